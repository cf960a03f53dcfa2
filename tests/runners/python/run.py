"""Runs the scenarios with the Python package, against the simulator. See tests/scenarios/README.md.

Usage: run.py blocking|asyncio [STORY...]
"""

from __future__ import annotations

import _thread
import asyncio
import datetime
import json
import os
import pathlib
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import itsm_adapter
from itsm_adapter import AsyncClient, Client, ItsmError

ROOT = pathlib.Path(__file__).resolve().parents[3]
SCENARIOS = ROOT / "tests" / "scenarios"
STEP = {"call", "open", "close", "start", "await", "cancel", "subscribe", "next", "events", "control", "requests", "visit", "use"}
MODIFIERS = {"with", "on", "expect", "error", "save", "parallel", "winners", "body", "status", "count", "worker", "note"}
ERROR = ("kind", "message", "remedy", "operation", "transaction_id", "attempts", "retryable", "retry_after_ms", "context")


class Failed(Exception):
    pass


class Blocking:
    """Calls of Client. What is started runs on the main thread, where Ctrl-C reaches it."""

    Client = Client

    def __init__(self) -> None:
        self.pool, self.jobs, self.busy = ThreadPoolExecutor(256), queue.SimpleQueue[Any](), False

    def serve(self) -> None:
        while True:
            try:
                self.busy = False
                future, work = self.jobs.get()
                future.set_result(work()) if not future.done() else None
            except (Exception, KeyboardInterrupt) as error:
                future.set_exception(error)

    def begin(self, function: Any, /, **arguments: Any) -> Future[Any]:
        return self.pool.submit(function, **arguments)

    def start(self, function: Any, /, **arguments: Any) -> Future[Any]:
        if self.busy:
            return self.begin(function, **arguments)
        self.busy, future = True, Future[Any]()
        self.jobs.put((future, lambda: function(**arguments)))
        return future

    def cancel(self, future: Future[Any]) -> None:
        if not future.done():
            _thread.interrupt_main()
        future.exception(60)

    def walk(self, pages: Any) -> Any:
        return [record for page in pages for record in page.items]

    def keeping(self, function: Any, keep: Callable[[Any], None]) -> Any:
        return lambda **arguments: keep(function(**arguments))

    def next(self, subscription: Any) -> Any:
        return next(subscription, None)


class Asyncio:
    """Calls of AsyncClient, on an event loop on the main thread."""

    Client = AsyncClient

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()

    def serve(self) -> None:
        self.loop.run_forever()

    def begin(self, function: Any, /, **arguments: Any) -> Future[Any]:
        async def run() -> Any:
            result = function(**arguments)
            return await result if hasattr(result, "__await__") else result

        return asyncio.run_coroutine_threadsafe(run(), self.loop)

    start = begin

    def cancel(self, future: Future[Any]) -> None:
        future.cancel()
        self.begin(asyncio.sleep, delay=0).result(60)

    async def walk(self, pages: Any) -> Any:
        return [record async for page in pages for record in page.items]

    def keeping(self, function: Any, keep: Callable[[Any], None]) -> Any:
        async def run(**arguments: Any) -> None:
            keep(await function(**arguments))

        return run

    async def next(self, subscription: Any) -> Any:
        return await anext(subscription, None)


def plain(value: Any) -> Any:
    """A result as JSON has it."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, ItsmError):
        return {name: plain(getattr(value, name)) for name in ERROR}
    fields = {name: plain(getattr(value, name)) for name in dir(type(value)) if type(getattr(type(value), name)).__name__ == "getset_descriptor"}
    return fields["value"] if set(fields) == {"value"} else fields


def present(given: Any) -> Any:
    """Arguments, and alerts among them, without what is null, and with the instants of Python."""
    if isinstance(given, list):
        return [present(one) for one in given]
    if not isinstance(given, dict):
        return given
    given = {name: present(value) if name in ("alert", "alerts") else value for name, value in given.items() if value is not None}
    for name in {"raised_at", "at", "since"} & set(given):
        given[name] = datetime.datetime.fromisoformat(given[name].replace("Z", "+00:00"))
    return given


def at(path: str, value: Any) -> Any:
    for name in path.split("/") if path else []:
        try:
            value = value[int(name)] if isinstance(value, list) else value[name]
        except (KeyError, IndexError, TypeError, ValueError):
            raise Failed(f"there is no {path}") from None
    return value


def fill(value: Any, variables: dict[str, Any]) -> Any:
    if isinstance(value, str):
        whole = re.fullmatch(r"\$\{([^}]*)\}", value)
        return at(whole[1], variables) if whole else re.sub(r"\$\{([^}]*)\}", lambda m: str(at(m[1], variables)), value)
    if isinstance(value, list):
        return [fill(item, variables) for item in value]
    if not isinstance(value, dict):
        return value
    value = {name: fill(item, variables) for name, item in value.items()}
    if set(value) == {"$json"}:
        return json.dumps(value["$json"], separators=(",", ":"), ensure_ascii=False)
    return value["$repeat"][0] * value["$repeat"][1] if set(value) == {"$repeat"} else value


def matches(pattern: Any, value: Any) -> bool:
    if isinstance(pattern, dict) and pattern and all(name.startswith("$") for name in pattern):
        return all(MATCHERS[name](argument, value) for name, argument in pattern.items())
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(matches(item, value.get(name)) for name, item in pattern.items())
    if isinstance(pattern, list):
        return isinstance(value, list) and len(value) == len(pattern) and all(map(matches, pattern, value))
    return isinstance(pattern, bool) == isinstance(value, bool) and pattern == value


def holds(wanted: Any, value: Any) -> bool:
    return wanted in value if isinstance(value, str) else isinstance(value, list) and any(matches(wanted, item) for item in value)


def number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


MATCHERS: dict[str, Callable[[Any, Any], bool]] = {
    "$present": lambda _, value: value is not None,
    "$contains": lambda x, value: all(holds(item, value) for item in (x if isinstance(x, list) else [x])),
    "$lacks": lambda x, value: isinstance(value, (str, list)) and not any(holds(item, value) for item in (x if isinstance(x, list) else [x])),
    "$starts_with": lambda x, value: isinstance(value, str) and value.startswith(x),
    "$length": lambda x, value: isinstance(value, (str, list)) and matches(x, len(value)),
    "$at_least": lambda x, value: number(value) and value >= x,
    "$at_most": lambda x, value: number(value) and value <= x,
    "$each": lambda x, value: isinstance(value, list) and all(matches(x, item) for item in value),
    "$one_of": lambda x, value: any(matches(item, value) for item in x),
}


class Scenario:
    def __init__(self, host: Any, common: Any, scenario: Any, variables: dict[str, Any], secrets: list[str]) -> None:
        self.host, self.common, self.scenario, self.variables, self.secrets = host, common, scenario, variables, secrets
        self.clients: dict[str, Any] = {}
        self.heard: dict[str, list[Any]] = {}
        self.begun: dict[str, Future[Any]] = {}
        self.subscriptions: dict[str, Any] = {}
        self.workers: dict[str, Any] = {}

    def clean(self, value: Any) -> Any:
        value = plain(value)
        text = json.dumps(value, ensure_ascii=False)
        for secret in self.secrets:
            if secret in text or json.dumps(secret)[1:-1] in text:
                raise Failed("a secret is shown")
        return value

    def outcome(self, future: Future[Any]) -> tuple[Any, Any]:
        """The result and the error, one of them."""
        try:
            return self.clean(future.result(60)), None
        except ItsmError as error:
            if max(map(len, [error.message, error.remedy, *error.context.values()])) > 4096:
                raise Failed("a text of the error is too long") from None
            return None, self.clean(error)

    def open(self, name: str, options: Any) -> None:
        self.close(name)
        options = fill({**self.common["client"], **self.scenario.get("client", {}), **options}, self.variables)
        client = self.clients[name] = self.host.begin(self.host.Client, **options).result(60)
        self.heard[name] = []
        client.observe(self.heard[name].append)

    def close(self, name: str) -> None:
        if name in self.clients:
            self.host.begin(self.clients[name].close).result(60)

    def function(self, name: str, on: str, worker: str, given: Any) -> tuple[Any, Any]:
        resource, operation = name.split(".")
        if resource == "worker":
            return getattr(self.workers[worker], operation), {}
        client = self.clients[on]
        if name == "alerts.submit":
            given = given["alert"]
        given = present(given)
        if "query" in given:
            given["query"] = [(one["field"], one["operator"], one["value"]) for one in given["query"]]
        if "body" in given:
            given["body"] = given["body"].encode()
        if name == "client.egress_ranges":
            return itsm_adapter.egress_ranges, given
        if name == "client.is_closed":
            return (lambda: client.is_closed), given
        function = getattr(client if resource == "client" else getattr(client, resource), operation)
        if name == "alerts.run":
            return self.host.keeping(function, lambda made: self.workers.update({worker: made})), given
        if name == "records.pages":
            return (lambda **arguments: self.host.walk(function(**arguments))), given
        return function, given

    def outcomes(self, step: Any, futures: list[Future[Any]], operation: str) -> None:
        good = bad = 0
        for future in futures:
            result, error = self.outcome(future)
            if operation == "records.insert_many" and error is None:
                result = [{"error" if "transaction_id" in one else "record": one} for one in result]
            if error is not None and "error" in step and matches(step["error"], error):
                bad += 1
            elif error is None and ("error" not in step or "winners" in step) and matches(step.get("expect", {"$one_of": [None, {"$present": True}]}), result):
                good += 1
            else:
                raise Failed(f"expected {step.get('error', step.get('expect'))}, there was {error or result}")
        if "winners" in step and good != step["winners"]:
            raise Failed(f"expected {step['winners']} winners, there were {good}")
        for name, path in step.get("save", {}).items():
            self.variables[name] = at(path, result)

    def until(self, look: Any) -> None:
        """Holds at once, or becomes true within 5 seconds."""
        end = time.monotonic() + 5
        while (wrong := look()) is not None:
            if time.monotonic() > end:
                raise Failed(wrong)
            time.sleep(0.005)

    def step(self, raw: Any) -> None:
        if "use" in raw:
            for step in self.common["recipes"][fill(raw["use"], self.variables)]:
                self.step(step)
            return
        if set(raw) - STEP - MODIFIERS or not STEP & set(raw):
            raise Failed(f"a step that this runner does not know: {set(raw) - STEP - MODIFIERS}")
        step = fill(raw, self.variables)
        on = step.get("on", "main")
        if "call" in step:
            function, given = self.function(step["call"], on, step.get("worker", ""), step.get("with", {}))
            begin = self.host.start if "start" in step else self.host.begin
            futures = [begin(function, **given) for _ in range(step.get("parallel", 1))]
            if "start" in step:
                self.begun[step["start"]] = futures[0]
                return
            self.outcomes(step, futures, step["call"])
        elif "await" in step:
            self.outcomes(step, [self.begun[step["await"]]], "")
        elif "cancel" in step:
            self.host.cancel(self.begun[step["cancel"]])
        elif "open" in step:
            try:
                self.open(on, step["open"])
            except ItsmError as error:
                if "error" not in step or not matches(step["error"], self.clean(error)):
                    raise Failed(f"expected {step.get('error')}, there was {plain(error)}") from None
                return
            if "error" in step:
                raise Failed(f"expected {step['error']}, but the client is open")
        elif "close" in step:
            self.close(on)
        elif "subscribe" in step:
            self.subscriptions[step["subscribe"]] = self.clients[on].subscribe()
        elif "next" in step:
            self.outcomes(step, [self.host.begin(self.host.next, subscription=self.subscriptions[step["next"]])], "")
        elif "events" in step:
            heard = self.heard[on]

            def look_at_events() -> str | None:
                told = self.clean(list(heard))
                if not matches(step["events"], told):
                    return f"expected the events {step['events']}, there were {told}"
                heard.clear()
                return None

            self.until(look_at_events)
        elif "control" in step:
            status, answer = control(self.variables["control_url"], step["control"], step.get("body"))
            if status != step.get("status", 200) or not matches(step.get("expect", answer), answer):
                raise Failed(f"expected {step.get('expect')}, there was {status} {answer}")
            for name, path in step.get("save", {}).items():
                self.variables[name] = at(path, answer)
        elif "visit" in step:
            status, page = visit(step["visit"])
            self.outcomes(step, [self.host.begin(lambda: {"status": status, "body": page})], "")
        else:

            def look_at_requests() -> str | None:
                log = control(self.variables["control_url"], "GET /requests", None)[1]["requests"]
                found = [entry for entry in log if matches(step["requests"], entry)]
                good = matches(step.get("count", len(found)), len(found)) and matches(step.get("expect", found), found)
                return None if good else f"expected {step.get('count')} requests {step['requests']}, there were {found}"

            self.until(look_at_requests)


def control(url: str, call: str, body: Any) -> tuple[int, Any]:
    method, path = call.split(" ", 1)
    data = None if body is None else json.dumps(body).encode()
    status, answer = ask(urllib.request.Request(url + path, data, {"content-type": "application/json"}, method=method))
    return status, json.loads(answer)


def visit(url: str) -> tuple[int, str]:
    return ask(urllib.request.Request(url))


class Unfollowed(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def ask(request: urllib.request.Request) -> tuple[int, str]:
    try:
        with urllib.request.build_opener(Unfollowed).open(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def simulator() -> str:
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    found = [target / profile / "itsm-simulator" for profile in ("debug", "release", "quick")]
    return os.environ.get("ITSM_SIMULATOR") or str(next(path for path in found if path.exists()))


def run(host: Any, stories: list[str]) -> int:
    for name in [name for name in os.environ if re.match(r"ITSM_ADAPTER_|CITRIX_|SERVICENOW_|\w*_PROXY$", name, re.I)]:
        del os.environ[name]
    common = json.loads((SCENARIOS / "common.json").read_text())
    arguments = [simulator(), *common["simulator"], "--until-stdin-closes"]
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdin
    line = json.loads(process.stdout.readline())
    secrets = [one[key] for part in ("accounts", "users", "oauth_clients") for one in line[part] for key in ("client_secret", "password") if key in one]
    done = failed = 0
    for file in sorted(SCENARIOS.glob("*.json")):
        story = json.loads(file.read_text())
        if "story" not in story or (stories and file.stem not in stories):
            continue
        for scenario in story["scenarios"]:
            for row in scenario.get("each", [{"name": ""}]):
                control(line["control_url"], "POST /reset", {})
                with tempfile.TemporaryDirectory() as directory:
                    variables = {
                        "citrix_url": line["citrix_url"],
                        "control_url": line["control_url"],
                        "instances": line["instances"],
                        "accounts": {one["customer_id"]: one for one in line["accounts"]},
                        "users": {one["user_name"]: one for one in reversed(line["users"])},
                        "clients": {name: [one for one in line["oauth_clients"] if one["instance"] == name] for name in line["instances"]},
                        "store_file": f"{directory}/adapter.db",
                    }
                    variables["row"] = fill(row, variables)
                    on = Scenario(host, common, scenario, variables, secrets)
                    place = "opening the client"
                    try:
                        on.open("main", {})
                        for position, step in enumerate(scenario["steps"], 1):
                            place = f"step {position}"
                            on.step(step)
                    except Exception as error:
                        failed += 1
                        print(f"FAIL {file.name}: {scenario['name']} {row['name']}: {place}: {type(error).__name__}: {error}"[:2000])
                    for name in on.clients:
                        on.close(name)
                done += 1
    process.stdin.close()
    process.wait(10)
    print(f"{type(host).__name__}: {done} scenarios, {failed} failed")
    return failed


if __name__ == "__main__":
    # Whoever starts this in the background may have switched Ctrl-C off.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    host: Any = {"blocking": Blocking, "asyncio": Asyncio}[sys.argv[1]]()

    def work() -> None:
        code = 1
        try:
            code = min(run(host, sys.argv[2:]), 1)
        finally:
            sys.stdout.flush()
            os._exit(code)

    threading.Thread(target=work).start()
    host.serve()
