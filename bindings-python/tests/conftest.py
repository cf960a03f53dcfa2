"""The simulator, and clients that talk to it."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys
import textwrap
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from itsm_adapter import AsyncClient, Client

ROOT = pathlib.Path(__file__).resolve().parents[2]
CUSTOMER = "acmecorp0001"


class Simulator:
    """The simulator process, and what it said when it started."""

    def __init__(self) -> None:
        target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        found = [target / profile / "itsm-simulator" for profile in ("quick", "debug", "release")]
        program = os.environ.get("ITSM_SIMULATOR") or next(path for path in found if path.exists())
        arguments = [str(program), "--instance", "dev1", "--until-stdin-closes"]
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.said = json.loads(self.process.stdout.readline())
        account = next(one for one in self.said["accounts"] if one["customer_id"] == CUSTOMER)
        user = next(one for one in self.said["users"] if one["user_name"] == "svc.citrix")
        endpoint = self.said["oauth_clients"][0]
        self.instance: str = self.said["servicenow_url"]
        self.account = {"environment": "us", "client_id": account["client_id"], "client_secret": account["client_secret"]}
        self.credentials = {
            "client_id": endpoint["client_id"],
            "client_secret": endpoint["client_secret"],
            "user_name": user["user_name"],
            "password": user["password"],
        }
        self.secrets = [account["client_secret"], endpoint["client_secret"], user["password"]]

    def control(self, call: str, body: Any = None) -> Any:
        method, path = call.split(" ")
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.said["control_url"] + path, data, {"content-type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def options(self, **more: Any) -> dict[str, Any]:
        return {
            "store": "memory",
            "citrix_url": self.said["citrix_url"],
            "instance_hosts": ["127.0.0.1"],
            "allow_private_networks": True,
            **more,
        }

    def environment(self, store: object) -> dict[str, str]:
        """The variables that a program finds everything by."""
        return {
            "ITSM_ADAPTER_STORE": str(store),
            "ITSM_ADAPTER_ALLOW_PRIVATE_NETWORKS": "true",
            "CITRIX_URL": self.said["citrix_url"],
            "CITRIX_CUSTOMER_ID": CUSTOMER,
            "CITRIX_CLIENT_ID": self.account["client_id"],
            "CITRIX_CLIENT_SECRET": self.account["client_secret"],
            "SERVICENOW_HOSTS": "127.0.0.1",
            "SERVICENOW_URL": self.instance,
            "SERVICENOW_CLIENT_ID": self.credentials["client_id"],
            "SERVICENOW_CLIENT_SECRET": self.credentials["client_secret"],
            "SERVICENOW_USER": self.credentials["user_name"],
            "SERVICENOW_PASSWORD": self.credentials["password"],
        }

    def register(self, client: Client) -> Client:
        client.accounts.add(CUSTOMER, **self.account)
        client.registrations.register(CUSTOMER, self.instance, **self.credentials)
        return client


@pytest.fixture(scope="session", autouse=True)
def bare_environment() -> None:
    for name in list(os.environ):
        if re.match(r"ITSM_ADAPTER_|CITRIX_|SERVICENOW_|\w*_PROXY$", name, re.IGNORECASE):
            del os.environ[name]


@pytest.fixture(scope="session")
def process(bare_environment: None) -> Iterator[Simulator]:
    simulator = Simulator()
    yield simulator
    assert simulator.process.stdin
    simulator.process.stdin.close()
    simulator.process.wait(10)


@pytest.fixture
def simulator(process: Simulator) -> Simulator:
    process.control("POST /reset", {})
    return process


@pytest.fixture
def client(simulator: Simulator) -> Iterator[Client]:
    with Client(**simulator.options()) as client:
        yield client


@pytest.fixture
def registered(client: Client, simulator: Simulator) -> Client:
    return simulator.register(client)


@pytest.fixture
def file_options(simulator: Simulator, tmp_path: pathlib.Path) -> dict[str, Any]:
    """Options of a client whose state is in a file, in which the account is registered."""
    options = simulator.options(store=tmp_path / "adapter.db")
    with Client(**options) as client:
        simulator.register(client)
    return options


@pytest.fixture
def asyncio_client(file_options: dict[str, Any]) -> Iterator[AsyncClient]:
    """A client for asyncio, in which the account is registered."""
    yield AsyncClient(**file_options)


Program = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def program() -> Program:
    """Runs a piece of Python in a process of its own and wants it to end well."""

    def run(text: str, *arguments: object, code: int = 0, environment: dict[str, str] | None = None) -> Any:
        command = [sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(text), *map(str, arguments)]
        given = {**os.environ, **(environment or {})}
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=given)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return run
