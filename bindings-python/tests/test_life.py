"""A client's life: closing, many calls at once, fork, the end of the process, memory."""

from __future__ import annotations

import asyncio
import ctypes
import multiprocessing
import os
import sys
import threading
import time
from typing import Any

import pytest

from itsm_adapter import AsyncClient, Client, IllegalStateError
from conftest import CUSTOMER, Program, Simulator
from test_cancel import memory

FORKS = 300 if os.environ.get("ITSM_LONG") else 40
LINUX = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def test_a_closed_client_refuses_every_call(client: Client, simulator: Simulator) -> None:
    subscription = client.subscribe()
    client.close()
    client.close()
    assert client.is_closed
    for call in (client.accounts.list, client.connections.list, client.events.list, client.rotate_key):
        with pytest.raises(IllegalStateError, match="closed"):
            call()
    assert list(subscription) == []

    async def main() -> None:
        async with AsyncClient(**simulator.options()) as other:
            assert not other.is_closed
        with pytest.raises(IllegalStateError):
            await other.accounts.list()
        await other.close()

    asyncio.run(main())


def test_a_thousand_calls_in_flight(asyncio_client: AsyncClient, file_options: dict[str, Any]) -> None:
    async def main() -> None:
        calls = [asyncio_client.records.query(CUSTOMER, "incident", limit=1) for _ in range(1000)]
        assert await asyncio.gather(*calls) == [[]] * 1000

    asyncio.run(main())
    with Client(**file_options) as client:
        done: list[object] = []
        threads = [threading.Thread(target=lambda: done.append(client.accounts.get(CUSTOMER))) for _ in range(1000)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(done) == 1000


def in_child(work: Any) -> int:
    """Runs this in a fork of the process; the exit code."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except BaseException as failure:
            print("in the child:", repr(failure), file=sys.stderr, flush=True)
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@LINUX
def test_a_client_from_before_the_fork_works_in_parent_and_child(file_options: dict[str, Any]) -> None:
    def use() -> None:
        assert client.accounts.get(CUSTOMER).customer_id == CUSTOMER
        assert client.records.query(CUSTOMER, "incident") == []
        assert len(asyncio.run(other.accounts.list()).items) == 1

    def grandchild() -> None:
        assert in_child(use) == 0

    def close() -> None:
        client.close()
        with client:
            pass

    with Client(**file_options) as client:
        other = AsyncClient(**file_options)
        # Used before, used only there, used further down, closed there.
        assert in_child(use) == 0
        use()
        for work in (use, grandchild, close, use):
            assert in_child(work) == 0
        use()


@LINUX
def test_a_state_in_memory_cannot_cross_a_fork(client: Client) -> None:
    def refused() -> None:
        with pytest.raises(IllegalStateError, match="memory"):
            client.accounts.list()
        with pytest.raises(IllegalStateError):
            client.observe(print)

    assert in_child(refused) == 0
    assert client.accounts.list().items == []


@LINUX
def test_an_iterator_cannot_cross_a_fork(file_options: dict[str, Any]) -> None:
    def refused() -> None:
        for iterator in (subscription, pages):
            with pytest.raises(IllegalStateError, match="fork"):
                next(iterator)

    with Client(**file_options) as client:
        subscription, pages = client.subscribe(), client.records.pages(CUSTOMER, "incident")
        assert in_child(refused) == 0


@LINUX
def test_forking_with_calls_in_flight_hangs_nobody(file_options: dict[str, Any]) -> None:
    def use() -> None:
        assert client.accounts.get(CUSTOMER).customer_id == CUSTOMER

    with Client(**file_options) as client:
        done = threading.Event()

        def read() -> None:
            while not done.is_set():
                client.records.query(CUSTOMER, "incident", limit=1)

        def write() -> None:
            while not done.is_set():
                client.accounts.update(CUSTOMER, name="Acme")

        threads = [threading.Thread(target=work) for work in (read, write) * 4]
        for thread in threads:
            thread.start()
        try:
            assert [in_child(use) for _ in range(FORKS)] == [0] * FORKS
        finally:
            done.set()
            for thread in threads:
                thread.join(30)
        assert client.accounts.get(CUSTOMER).name == "Acme"


@LINUX
def test_what_a_child_writes_the_parent_reads(file_options: dict[str, Any]) -> None:
    def write() -> None:
        client.accounts.update(CUSTOMER, name=str(os.getpid()))

    def end() -> None:
        # Closing in the child, and outliving the parent's client, harm nobody.
        client.accounts.get(CUSTOMER)
        client.close()

    with Client(**file_options) as client:
        for _ in range(10):
            before = client.accounts.get(CUSTOMER).name
            assert in_child(write) == in_child(end) == 0
            assert client.accounts.get(CUSTOMER).name not in {before, None}


@LINUX
def test_a_fork_behind_pythons_back_is_refused(file_options: dict[str, Any]) -> None:
    with Client(**file_options) as client:
        pid = ctypes.PyDLL(None).fork()
        if pid == 0:
            refused = 0
            for call in (client.accounts.list, lambda: Client(**file_options)):
                try:
                    call()
                except IllegalStateError as error:
                    refused += "forked" in error.message
            os._exit(refused)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 2
        client.accounts.list()


def worker(number: int) -> str:
    return SHARED[0].accounts.get(CUSTOMER).customer_id


SHARED: list[Client] = []


@LINUX
def test_workers_of_a_forking_pool_share_a_client(file_options: dict[str, Any]) -> None:
    with Client(**file_options) as client:
        SHARED[:] = [client]
        with multiprocessing.get_context("fork").Pool(4) as pool:
            assert pool.map(worker, range(20)) == [CUSTOMER] * 20


@pytest.mark.parametrize("ends", ["pass", "sys.exit(0)", "raise SystemExit"])
def test_the_interpreter_exits_with_calls_in_flight(ends: str, file_options: dict[str, Any], simulator: Simulator, program: Program) -> None:
    simulator.control("POST /faults", {"on": "dev1", "fault": "slow", "route": "table", "delay_ms": 30, "times": None})
    text = f"""
        import asyncio, logging, sys, threading
        from itsm_adapter import AsyncClient, Client

        logging.basicConfig(level=1)
        client, other = Client(), AsyncClient()
        client.observe(lambda event: None)

        def ask():
            while True:
                client.records.query("{CUSTOMER}", "incident", limit=1)

        for _ in range(8):
            threading.Thread(target=ask, daemon=True).start()
        loop = asyncio.new_event_loop()
        tasks = [loop.create_task(other.records.query("{CUSTOMER}", "incident")) for _ in range(50)]
        loop.call_later(0.05, loop.stop)
        loop.run_forever()
        {ends}
    """
    for _ in range(5):
        done = program(text, environment=simulator.environment(file_options["store"]))
        assert "panicked" not in done.stderr and "Fatal" not in done.stderr, done.stderr


def test_an_asyncio_program_ends_in_the_middle_of_its_calls(file_options: dict[str, Any], simulator: Simulator, program: Program) -> None:
    simulator.control("POST /faults", {"on": "dev1", "fault": "hang", "route": "table", "times": None})
    text = f"""
        import asyncio
        from itsm_adapter import AsyncClient

        async def main():
            client = AsyncClient()
            calls = [asyncio.create_task(client.records.query("{CUSTOMER}", "incident")) for _ in range(20)]
            await asyncio.wait(calls, timeout=0.05)
            raise SystemExit(3)

        asyncio.run(main())
    """
    program(text, code=3, environment=simulator.environment(file_options["store"]))


def test_memory_stays_flat_over_ten_thousand_calls(file_options: dict[str, Any]) -> None:
    def calls(client: Client, times: int) -> None:
        for _ in range(times):
            client.connections.list()
            with pytest.raises(Exception):
                client.accounts.get("nobody")

    async def coroutines(client: AsyncClient, times: int) -> None:
        for _ in range(times):
            await asyncio.gather(*(client.connections.list() for _ in range(10)))

    with Client(**file_options) as client:
        calls(client, 1000)
        before = memory()
        calls(client, 5000)
        assert memory() - before < 2 * 1024
    other = AsyncClient(**file_options)
    asyncio.run(coroutines(other, 200))
    before = memory()
    asyncio.run(coroutines(other, 1000))
    assert memory() - before < 2 * 1024


def test_clients_that_come_and_go_leave_nothing_behind(file_options: dict[str, Any]) -> None:
    def once() -> None:
        with Client(**file_options) as client:
            client.observe(lambda event: client)
            client.accounts.list()
        # Nor when it is not closed.
        AsyncClient(**file_options)

    for _ in range(20):
        once()
    before, descriptors = memory(), len(os.listdir("/proc/self/fd"))
    for _ in range(100):
        once()
    # The threads of a store end a moment after it.
    end = time.monotonic() + 10
    while len(os.listdir("/proc/self/fd")) > descriptors + 4:
        assert time.monotonic() < end
    assert memory() - before < 8 * 1024
