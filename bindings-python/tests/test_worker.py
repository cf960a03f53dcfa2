"""A worker, held by Python: run, stopped, forked around, left behind."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import pytest

from itsm_adapter import AsyncClient, Client, DeliveryStatus, EventKind, IllegalStateError, InvalidInputError, ItsmError
from itsm_adapter.fields import AlertFields
from conftest import CUSTOMER, Program, Simulator
from test_life import LINUX, in_child


def alert(name: str) -> AlertFields:
    return {
        "customer_id": CUSTOMER,
        "source": "monitor",
        "id": name,
        "title": "Cloud Connector EDGE01 is offline",
        "description": "Not heard of for 15 minutes.",
        "severity": "error",
    }


def incidents(simulator: Simulator) -> int:
    return int(simulator.control("GET /instances/dev1/tables/incident")["count"])


def test_a_worker_delivers_and_is_stopped(registered: Client, simulator: Simulator) -> None:
    delivered = threading.Semaphore(0)
    registered.observe(lambda event: delivered.release() if event.kind == EventKind.DELIVERY_DONE else None)
    with registered.alerts.run(concurrency=4) as worker:
        waiting = threading.Thread(target=worker.ended)
        waiting.start()
        submitted = registered.alerts.submit_many([alert("a1"), alert("a2")])
        assert delivered.acquire(timeout=30) and delivered.acquire(timeout=30)
    waiting.join(30)
    assert not waiting.is_alive()
    worker.stop()
    assert [registered.alerts.get(one.id).status for one in submitted] == [DeliveryStatus.DELIVERED] * 2
    registered.alerts.submit(**alert("a3"))
    lag = registered.alerts.lag()
    assert (lag.delivered, lag.pending, incidents(simulator)) == (2, 1, 2)
    # What a delivery tells can be given back, and is the same alert.
    assert registered.alerts.submit_many([submitted[0].alert])[0].id == submitted[0].id
    assert registered.alerts.drain().delivered == 3


def test_a_worker_in_asyncio(asyncio_client: AsyncClient, simulator: Simulator) -> None:
    async def main() -> None:
        async with asyncio_client as client:
            events = client.subscribe()
            async with await client.alerts.run() as worker:
                waiting = asyncio.create_task(worker.ended())
                await client.alerts.submit(**alert("a1"))
                async for event in events:
                    if event.kind == EventKind.DELIVERY_DONE:
                        break
                # Who gives up waiting stops nothing.
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(worker.ended(), timeout=0.01)
                assert not waiting.done()
            await waiting
            assert (await client.alerts.lag(customer_id=CUSTOMER)).delivered == 1
            other = await client.alerts.run()
        await other.ended()

    asyncio.run(main())
    assert incidents(simulator) == 1


def test_a_worker_works_on_when_nobody_holds_it(registered: Client, simulator: Simulator) -> None:
    registered.alerts.run(poll_interval_ms=10)
    gc.collect()
    events = registered.subscribe()
    registered.alerts.submit(**alert("a1"))
    assert next(event for event in events if event.kind == EventKind.DELIVERY_DONE)
    assert incidents(simulator) == 1
    # Another one beside it waits no longer than for what the first one has in hand.
    assert registered.alerts.drain().delivered == 1


def test_the_arguments_of_a_worker_are_checked(client: Client) -> None:
    with pytest.raises(InvalidInputError, match="concurrency"):
        client.alerts.run(concurrency=0)


WRONG: list[tuple[type[Exception], str, Any]] = [
    (TypeError, "'title' is missing", {"title": None}),
    (TypeError, "no field 'titel'", {"titel": "x"}),
    (TypeError, "'target'", {"target": 7}),
    (InvalidInputError, "awful", {"severity": "awful"}),
]


@pytest.mark.parametrize(("error", "says", "change"), WRONG)
def test_alerts_in_a_list_are_checked(error: type[Exception], says: str, change: Any, client: Client) -> None:
    wrong: Any = {**alert("a1"), **change}
    with pytest.raises(error, match=says):
        client.alerts.submit_many([wrong])
    with pytest.raises(error, match=says):
        client.policies.explain(wrong)


def test_how_an_authorization_server_differs_is_an_option(simulator: Simulator) -> None:
    with pytest.raises(InvalidInputError):
        Client(**simulator.options(oauth_servers=[{"token_url": "http://bridge.example.org/token"}]))
    with pytest.raises(TypeError, match="no field 'token'"):
        Client(**simulator.options(oauth_servers=[{"token": "/oauth_token.do"}]))
    options = simulator.options(oauth_servers=[{"token_url": "/elsewhere.do"}], grant_warning_days=[10, 5])
    with Client(**options) as client, pytest.raises(ItsmError):
        simulator.register(client)
    asked = simulator.control("GET /requests")["requests"]
    assert [one["path"] for one in asked if one["system"] == "servicenow"] == ["/elsewhere.do"]


@LINUX
def test_a_worker_stays_in_its_process(file_options: dict[str, Any], simulator: Simulator) -> None:
    def child() -> None:
        for call in (worker.stop, worker.ended):
            with pytest.raises(IllegalStateError, match="fork"):
                call()
        own = client.alerts.run()
        client.alerts.submit(**alert("of the child"))
        own.stop()
        client.alerts.drain()

    with Client(**file_options) as client:
        worker = client.alerts.run()
        assert [in_child(child) for _ in range(5)] == [0] * 5
        client.alerts.submit(**alert("of the parent"))
        worker.stop()
        assert client.alerts.drain().delivered == 2
    assert incidents(simulator) == 2


@pytest.mark.parametrize("kind", ["Client", "AsyncClient"])
def test_the_interpreter_exits_with_a_worker_at_work(kind: str, file_options: dict[str, Any], simulator: Simulator, program: Program) -> None:
    simulator.control("POST /faults", {"on": "dev1", "fault": "slow", "route": "table", "delay_ms": 30, "times": None})
    text = f"""
        import asyncio, logging, threading
        from itsm_adapter import {kind}

        logging.basicConfig(level=1)
        told = threading.Semaphore(0)

        async def begin():
            global client, worker
            client = {kind}()
            client.observe(lambda event: told.release())
            worker = client.alerts.run()
            alerts = [{{**{alert("a")!r}, "id": str(number)}} for number in range(50)]
            submitted = client.alerts.submit_many(alerts)
            if asyncio.iscoroutine(worker):
                worker = await worker
                await submitted

        asyncio.run(begin())
        assert told.acquire(timeout=30)
    """
    for _ in range(3):
        done = program(text, environment=simulator.environment(file_options["store"]))
        assert "panicked" not in done.stderr and "Fatal" not in done.stderr, done.stderr
    with Client(**file_options) as client:
        lag = client.alerts.lag()
        assert lag.delivered + lag.pending + lag.unknown == 50 and lag.dead == 0
