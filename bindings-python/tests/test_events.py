"""Events, told to callables and taken one by one; log lines in `logging`."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from typing import Any

import pytest

import itsm_adapter
from itsm_adapter import AsyncClient, Client, Event, EventKind, IllegalStateError
from conftest import CUSTOMER, Program, Simulator


def test_an_observer_is_told_until_it_is_taken_off(client: Client, simulator: Simulator) -> None:
    told: list[Event] = []
    number = client.observe(told.append)
    client.accounts.add(CUSTOMER, **simulator.account)
    assert [(event.kind, event.customer_id) for event in told] == [(EventKind.ACCOUNT_ADDED, CUSTOMER)]
    client.unobserve(number)
    client.accounts.remove(CUSTOMER)
    assert len(told) == 1


def test_an_observer_that_raises_breaks_nothing(client: Client, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", reported.append)
    told: list[Event] = []
    client.observe(lambda event: 1 / 0)
    client.observe(told.append)
    client.accounts.add(CUSTOMER, **simulator.account)
    assert [one.exc_type for one in reported] == [ZeroDivisionError]
    assert len(told) == 1


def test_an_observer_cannot_block_and_may_hand_over(client: Client, simulator: Simulator) -> None:
    refused: list[IllegalStateError] = []
    found: list[object] = []
    threads: list[threading.Thread] = []

    def observe(event: Event) -> None:
        try:
            client.accounts.list()
        except IllegalStateError as error:
            refused.append(error)
        threads.append(threading.Thread(target=lambda: found.append(client.accounts.list().items)))
        threads[-1].start()

    client.observe(observe)
    client.accounts.add(CUSTOMER, **simulator.account)
    threads[0].join(10)
    assert "another thread" in str(refused[0]) and len(found) == 1


def test_an_observer_may_add_and_remove_observers(client: Client, simulator: Simulator) -> None:
    told: list[str] = []

    def once(event: Event) -> None:
        told.append("first")
        client.unobserve(number)
        client.observe(lambda event: told.append("second"))

    number = client.observe(once)
    client.accounts.add(CUSTOMER, **simulator.account)
    client.accounts.remove(CUSTOMER)
    assert told == ["first", "second"]


def test_events_are_taken_one_by_one_until_the_client_closes(client: Client, simulator: Simulator) -> None:
    subscription = client.subscribe()
    client.accounts.add(CUSTOMER, **simulator.account)
    assert next(subscription).kind == EventKind.ACCOUNT_ADDED
    client.accounts.remove(CUSTOMER)
    client.close()
    assert [event.kind for event in subscription] == [EventKind.ACCOUNT_REMOVED]


def test_events_are_taken_with_async_for(asyncio_client: AsyncClient, simulator: Simulator) -> None:
    async def main() -> None:
        kinds: list[EventKind] = []

        async def listen() -> None:
            async for event in subscription:
                kinds.append(event.kind)

        async with asyncio_client as client:
            subscription = client.subscribe()
            listening = asyncio.create_task(listen())
            await client.registrations.unregister(CUSTOMER, simulator.instance)
            await client.connections.disconnect(CUSTOMER, simulator.instance)
        await asyncio.wait_for(listening, 10)
        assert kinds == [EventKind.UNREGISTERED, EventKind.DISCONNECTED]

    asyncio.run(main())


def test_waiting_for_an_event_can_be_given_up(asyncio_client: AsyncClient, simulator: Simulator) -> None:
    async def main() -> None:
        subscription = asyncio_client.subscribe()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(anext(subscription), 0.02)
        await asyncio_client.registrations.unregister(CUSTOMER, simulator.instance)
        assert (await anext(subscription)).kind == EventKind.UNREGISTERED

    asyncio.run(main())


def test_log_lines_arrive_in_logging_without_secrets(simulator: Simulator, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(1, "itsm_adapter"), Client(**simulator.options()) as client:
        simulator.register(client)
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("itsm_adapter")]
    assert any("The account is added" in line for line in lines)
    assert {logging.INFO} <= {record.levelno for record in caplog.records}
    assert not [secret for secret in simulator.secrets if secret in "".join(lines)]
    caplog.clear()
    itsm_adapter.forward_logs()
    with Client(**simulator.options()) as client:
        client.accounts.add(CUSTOMER, **simulator.account)
    assert caplog.records == []


def test_a_handler_that_raises_or_calls_back_breaks_nothing(simulator: Simulator, program: Program) -> None:
    text = f"""
        import logging
        from itsm_adapter import Client

        class Bad(logging.Handler):
            def emit(self, record):
                try:
                    client.accounts.list()
                finally:
                    raise RuntimeError("bad handler")

        logging.getLogger("itsm_adapter").setLevel(1)
        logging.getLogger("itsm_adapter").addHandler(Bad())
        client = Client()
        client.accounts.add("{CUSTOMER}", environment="us", client_id="{simulator.account['client_id']}",
                            client_secret="{simulator.account['client_secret']}")
        print(len(client.accounts.list().items))
    """
    assert program(text, environment=simulator.environment("memory")).stdout == "1\n"


def test_importing_loads_nothing_that_is_not_needed(program: Program) -> None:
    text = """
        import sys
        import itsm_adapter
        print(sorted({"typing", "asyncio", "logging", "json", "re"} & set(sys.modules)))
    """
    assert program(text).stdout == "[]\n"
