"""Every operation is there, in both clients, documented and typed."""

from __future__ import annotations

import ast
import json
import pathlib
import re

import pytest

import itsm_adapter
from itsm_adapter import AsyncClient, Client, errors

ROOT = pathlib.Path(__file__).resolve().parents[2]
OPERATIONS = json.loads((ROOT / "tests/scenarios/operations.json").read_text())
PACKAGE = pathlib.Path(itsm_adapter.__file__).parent
STUB = ast.parse((PACKAGE / "_native.pyi").read_text())
CLASSES = {node.name: node for node in STUB.body if isinstance(node, ast.ClassDef)}

ELSEWHERE = {"open": "the constructor", "forward_logs": "a function", "egress_ranges": "a function"}


def places() -> list[tuple[str, str]]:
    found = []
    for resource, operations in OPERATIONS.items():
        for prefix in ("", "Async"):
            for operation in operations:
                if resource != "client":
                    found.append((f"{prefix}{resource.title()}", operation))
                elif operation not in ELSEWHERE:
                    found.append((f"{prefix}Client", operation))
    return found


@pytest.mark.parametrize(("name", "operation"), places())
def test_every_operation_is_there_documented_and_typed(name: str, operation: str) -> None:
    assert getattr(getattr(itsm_adapter, name), operation).__doc__.strip()
    function = next(node for node in CLASSES[name].body if isinstance(node, ast.FunctionDef) and node.name == operation)
    assert function.returns is not None
    arguments = function.args.args[1:] + function.args.posonlyargs[1:] + function.args.kwonlyargs
    assert all(argument.annotation for argument in arguments)
    assert "Any" not in {ast.unparse(argument.annotation) for argument in arguments if argument.annotation}
    assert ("Coroutine" in ast.unparse(function.returns)) == (name.startswith("Async") and awaited(operation))


def awaited(operation: str) -> bool:
    return operation not in {"pages", "is_closed", "observe", "unobserve", "subscribe"}


@pytest.mark.parametrize("name", ["forward_logs", "egress_ranges"])
def test_functions_of_the_module_are_documented(name: str) -> None:
    assert getattr(itsm_adapter, name).__doc__.strip()


def test_resources_are_attributes_of_both_clients() -> None:
    for resource in OPERATIONS.keys() - {"client", "worker"}:
        assert getattr(Client, resource).__doc__
        assert getattr(AsyncClient, resource).__doc__


def test_a_worker_is_what_running_gives() -> None:
    for prefix, gives in (("", "Worker"), ("Async", "Coroutine[Any, Any, AsyncWorker]")):
        functions = [node for node in CLASSES[f"{prefix}Alerts"].body if isinstance(node, ast.FunctionDef)]
        assert [ast.unparse(node.returns) for node in functions if node.name == "run" and node.returns] == [gives]


def test_every_kind_has_a_class_with_its_word() -> None:
    source = (ROOT / "core/src/error.rs").read_text()
    words = set(re.findall(r'Self::\w+ => "(\w+)",', source))
    assert words == set(errors.by_kind)
    for word, kind in errors.by_kind.items():
        assert kind.kind == word
        assert kind.__name__ == "".join(map(str.title, word.split("_"))) + "Error"
        assert kind.__doc__ and kind.__name__ in itsm_adapter.__dict__


def test_everything_public_is_documented() -> None:
    for name in dir(itsm_adapter):
        if not name.startswith("_"):
            assert getattr(itsm_adapter, name).__doc__, name


def test_records_have_types_and_texts_for_every_field() -> None:
    for node in CLASSES.values():
        for item in node.body:
            if isinstance(item, ast.FunctionDef) and not item.name.startswith("__"):
                assert item.returns is not None and ast.get_docstring(item), f"{node.name}.{item.name}"


def test_the_package_is_marked_as_typed() -> None:
    assert (PACKAGE / "py.typed").exists()
