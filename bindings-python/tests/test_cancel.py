"""Calls that are given up: by cancelling, by Ctrl-C, at any moment."""

from __future__ import annotations

import asyncio
import os
import random
import resource
import signal
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from itsm_adapter import AsyncClient, Client, ItsmError
from conftest import CUSTOMER, Simulator


def memory() -> int:
    """Pages of memory in use, in KiB."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() // 1024


def test_a_thousand_calls_cancelled_at_random_leave_nothing_behind(file_options: dict[str, Any]) -> None:
    seed = int(os.environ.get("ITSM_SEED", time.time_ns() % 2**32))
    print(f"ITSM_SEED={seed}")
    chance = random.Random(seed)

    async def given_up(client: AsyncClient) -> bool:
        calls: list[Callable[[], Coroutine[Any, Any, object]]] = [
            lambda: client.records.query(CUSTOMER, "incident", limit=1),
            lambda: client.records.insert(CUSTOMER, "incident", {"short_description": "x"}),
            lambda: client.connections.list(),
            lambda: client.accounts.entitlement(CUSTOMER),
        ]
        task = asyncio.create_task(chance.choice(calls)())
        for _ in range(chance.randrange(12)):
            await asyncio.sleep(0)
        if chance.random() < 0.5:
            await asyncio.wait([task], timeout=chance.random() * 0.004)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            return True
        return False

    async def main() -> None:
        async with AsyncClient(**file_options, concurrency_per_remote=4) as client:
            await asyncio.gather(*(given_up(client) for _ in range(50)))
            before = memory()
            cancelled = 0
            for _ in range(50):
                cancelled += sum(await asyncio.gather(*(given_up(client) for _ in range(20))))
            assert cancelled > 100
            # Every place among the four is free again.
            last = asyncio.gather(*(client.records.query(CUSTOMER, "incident", limit=1) for _ in range(8)))
            await asyncio.wait_for(last, 20)
            assert memory() - before < 16 * 1024
            assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())


def test_cancelling_drops_the_work(asyncio_client: AsyncClient, simulator: Simulator) -> None:
    simulator.control("POST /faults", {"on": "dev1", "fault": "hang", "route": "table", "times": None})

    async def main() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio_client.records.query(CUSTOMER, "incident"), 0.3)
        simulator.control("DELETE /faults")
        assert await asyncio_client.records.query(CUSTOMER, "incident") == []

    asyncio.run(main())


def test_a_call_that_is_never_awaited_does_nothing(asyncio_client: AsyncClient) -> None:
    async def main() -> None:
        with pytest.warns(RuntimeWarning, match="never awaited"):
            asyncio_client.accounts.remove(CUSTOMER)  # type: ignore[unused-coroutine]
        assert len((await asyncio_client.accounts.list()).items) == 1

    asyncio.run(main())


def test_coroutines_go_wherever_python_wants_one(asyncio_client: AsyncClient) -> None:
    assert len(asyncio.run(asyncio_client.accounts.list()).items) == 1

    async def main() -> None:
        task = asyncio.create_task(asyncio_client.accounts.get(CUSTOMER))
        assert (await task).customer_id == CUSTOMER
        assert (await asyncio.shield(asyncio_client.accounts.get(CUSTOMER))).customer_id == CUSTOMER

    asyncio.run(main())


def test_one_client_serves_several_loops_at_once(asyncio_client: AsyncClient) -> None:
    failures: list[BaseException] = []

    async def main() -> None:
        for _ in range(100):
            assert (await asyncio_client.accounts.get(CUSTOMER)).customer_id == CUSTOMER

    def run() -> None:
        try:
            asyncio.run(main())
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []


def test_a_loop_that_closes_with_calls_in_flight_harms_nothing(asyncio_client: AsyncClient, simulator: Simulator) -> None:
    simulator.control("POST /faults", {"on": "dev1", "fault": "slow", "route": "table", "delay_ms": 50, "times": 20})
    loop = asyncio.new_event_loop()
    tasks = [loop.create_task(asyncio_client.records.query(CUSTOMER, "incident")) for _ in range(20)]
    loop.call_later(0.02, loop.stop)
    loop.run_forever()
    loop.close()
    del tasks
    assert asyncio.run(asyncio_client.records.query(CUSTOMER, "incident")) == []


def test_ctrl_c_ends_a_blocking_call(registered: Client, simulator: Simulator) -> None:
    simulator.control("POST /faults", {"on": "dev1", "fault": "hang", "route": "table", "times": 1})
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            registered.records.query(CUSTOMER, "incident")
        assert time.monotonic() - began < 2
    finally:
        signal.signal(signal.SIGALRM, before)
    assert registered.records.query(CUSTOMER, "incident") == []


def test_other_threads_run_while_a_call_blocks(registered: Client, simulator: Simulator) -> None:
    simulator.control("POST /faults", {"on": "dev1", "fault": "slow", "route": "table", "delay_ms": 400, "times": 1})
    thread = threading.Thread(target=lambda: registered.records.query(CUSTOMER, "incident"))
    thread.start()
    counted = 0
    while thread.is_alive():
        counted += 1
    assert counted > 10_000


def test_a_call_in_flight_ends_when_the_client_is_closed(registered: Client, simulator: Simulator) -> None:
    simulator.control("POST /faults", {"on": "dev1", "fault": "hang", "route": "table", "times": None})
    told: list[ItsmError] = []
    asked = threading.Event()

    def ask() -> None:
        asked.set()
        try:
            registered.records.query(CUSTOMER, "incident")
        except ItsmError as error:
            told.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    asked.wait(5)
    while not [one for one in simulator.control("GET /requests")["requests"] if one["route"].startswith("table")]:
        pass
    registered.close()
    for thread in threads:
        thread.join(5)
    assert {error.kind for error in told} <= {"cancelled", "illegal_state"} and len(told) == 4
