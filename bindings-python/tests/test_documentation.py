"""The examples, and the code of the README, do what they say."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys

import pytest

from itsm_adapter import Client
from conftest import Simulator

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = ROOT / "bindings-python" / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)


def run(simulator: Simulator, store: pathlib.Path, *command: object, code: int = 0, given: str = "") -> str:
    environment = {**os.environ, **simulator.environment(store)}
    program = [os.environ.get("ITSM_PYTHON", sys.executable), *map(str, command)]
    done = subprocess.run(program, input=given, capture_output=True, text=True, timeout=60, env=environment, cwd=store.parent)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def example(name: str) -> pathlib.Path:
    return next((ROOT / "examples" / name / "python").glob("*.py"))


def test_the_quick_start_ends_with_an_incident(simulator: Simulator, tmp_path: pathlib.Path) -> None:
    out = run(simulator, tmp_path / "a.db", example("quickstart"))
    assert "is registered with" in out and re.search(r"INC\d+: Cloud Connector EDGE01 is offline", out)
    assert not [secret for secret in simulator.secrets if secret in out]


def test_the_tasks_build_on_one_another(simulator: Simulator, tmp_path: pathlib.Path) -> None:
    store = tmp_path / "a.db"
    with Client(**simulator.options(store=store)) as client:
        client.accounts.add("acmecorp0001", **simulator.account)
    out = run(simulator, store, example("register-service-account"), "acmecorp0001", simulator.instance)
    assert "acmecorp0001 is registered" in out
    alerts = ROOT / "examples/deliver-alerts/alerts.jsonl"
    for out in (
        run(simulator, store, example("deliver-alerts"), alerts),
        run(simulator, store, example("deliver-alerts"), given=alerts.read_text()),
    ):
        assert "3 of 3 alerts are incidents; 0 dead letters" in out
    assert simulator.control("GET /instances/dev1/tables/incident")["count"] == 3
    assert re.search(r"acmecorp0001 .* registered +available +9\d", run(simulator, store, example("manage-list")))


@pytest.mark.parametrize("path", sorted(ROOT.glob("examples/*/python/*.py")), ids=lambda path: path.parts[-3])
def test_an_example_fits_a_screen(path: pathlib.Path) -> None:
    assert len(path.read_text().splitlines()) < 60


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_the_code_of_the_readme_runs(number: int, simulator: Simulator, tmp_path: pathlib.Path) -> None:
    store = tmp_path / "itsm.db"
    with Client(**simulator.options(store=store)) as client:
        if "accounts.add(" not in BLOCKS[number]:
            simulator.register(client)
    run(simulator, store, "-W", "error", "-c", BLOCKS[number])
