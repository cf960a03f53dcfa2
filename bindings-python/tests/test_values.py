"""What goes in and comes out: wrong types, missing values, hostile texts, secrets."""

from __future__ import annotations

import json
import pathlib
import time
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import itsm_adapter
from itsm_adapter import Client, Environment, ErrorKind, InvalidInputError, ItsmError, NotFoundError, Severity, StoreError
from conftest import CUSTOMER, Simulator

HOSTILE = ["", " ", "\0", "a\0b", "../../etc/passwd", "' OR 1=1 --", "\r\nX-Evil: 1", "\u202e", "😀" * 1000, "x" * 10_000_000]


@pytest.mark.parametrize("wrong", [None, 1, 1.5, b"acme", ["acme"], {}, object()])
def test_a_value_of_another_type_is_a_type_error(client: Client, wrong: Any) -> None:
    calls: list[Any] = [client.accounts.get, client.instances.get, client.alerts.deliver]
    if not isinstance(wrong, bytes):
        calls.append(client.alerts.submit_webhook)
    for call in calls:
        with pytest.raises(TypeError):
            call(wrong)
    with pytest.raises(TypeError):
        client.accounts.add(CUSTOMER, environment=wrong, client_id="a", client_secret="b")
    with pytest.raises(TypeError):
        client.observe(wrong)


def test_missing_and_unknown_arguments_are_type_errors(client: Client) -> None:
    calls: list[Any] = [
        lambda: client.accounts.get(),  # type: ignore[call-arg]
        lambda: client.accounts.add(CUSTOMER, environment="us", client_id="a"),  # type: ignore[call-arg]
        lambda: client.accounts.list(None),  # type: ignore[call-arg]
        lambda: client.accounts.list(limits=1),  # type: ignore[call-arg]
        lambda: Client("memory"),  # type: ignore[call-arg]
        lambda: client.records.query(CUSTOMER, "incident", fields="number"),
        lambda: client.records.query(CUSTOMER, "incident", ["number"]),  # type: ignore[list-item]
        lambda: client.records.insert(CUSTOMER, "incident", [1]),  # type: ignore[arg-type]
        lambda: client.records.insert(CUSTOMER, "incident", {"a": object()}),
        lambda: client.records.insert_many(CUSTOMER, "incident", {"a": "b"}),  # type: ignore[arg-type]
    ]
    for call in calls:
        with pytest.raises(TypeError):
            call()


@pytest.mark.parametrize("limit", [-1, 2**32, 2**70])
def test_a_number_out_of_range_is_an_overflow_error(client: Client, limit: int) -> None:
    with pytest.raises(OverflowError):
        client.accounts.list(limit=limit)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_refused_or_not_found(client: Client, text: str) -> None:
    for call in (client.accounts.get, client.instances.get, client.alerts.get):
        with pytest.raises(ItsmError) as caught:
            call(text)
        assert caught.value.kind in {"invalid_input", "not_found"}
        assert len(str(caught.value)) < 5000
    with pytest.raises(ItsmError):
        client.alerts.submit_webhook(text.encode())


def test_text_that_is_not_text_is_refused(client: Client) -> None:
    with pytest.raises(ValueError):
        client.accounts.get("\ud800")


def test_enums_are_given_as_member_or_word() -> None:
    assert itsm_adapter.egress_ranges(Environment.EU) == itsm_adapter.egress_ranges("eu") != []
    with pytest.raises(InvalidInputError, match="`EU`.*`eu`"):
        itsm_adapter.egress_ranges("EU")
    assert (str(Environment.US_GOVERNMENT), Environment.US_GOVERNMENT.value) == ("us_government", "us_government")
    assert {Severity.ERROR: 1}[Severity.ERROR] == 1


def test_json_that_is_none_is_refused_before_anything_is_sent(registered: Client, simulator: Simulator) -> None:
    simulator.control("DELETE /requests")
    for text in ("", "{", '{"a": "b"} {', "NaN"):
        with pytest.raises(InvalidInputError):
            registered.records.insert(CUSTOMER, "incident", text)
    with pytest.raises(InvalidInputError):
        registered.records.insert(CUSTOMER, "incident", {"priority": float("nan")})
    assert simulator.control("GET /requests")["requests"] == []


def test_records_cross_as_json_that_python_parses(registered: Client) -> None:
    records = [{"short_description": f"Nr. {n} „ä“ \0", "category": "software"} for n in range(25)]
    made = registered.records.insert_many(CUSTOMER, "incident", records, fields=["number", "short_description"], in_flight=8)
    assert [one["short_description"] for one in made if isinstance(one, dict)][3].startswith("Nr. 3 „ä“")
    assert registered.records.insert_many(CUSTOMER, "incident", json.dumps(records[:1]), fields=["number"]) != made
    query = [("short_description", "starts_with", "Nr. 1")]
    found = registered.records.query(CUSTOMER, "incident", query, fields=["short_description"])
    assert len(found) == 11 and set(found[0]) == {"short_description"}
    page = registered.records.page(CUSTOMER, "incident", query, fields=["number"], size=4)
    assert json.loads(page.json) == page.items and page.items is page.items and page.next == page.items[-1]["sys_id"]
    pages = list(registered.records.pages(CUSTOMER, "incident", query, fields=["number"], size=4))
    assert [len(page.items) for page in pages] == [4, 4, 3] and pages[0].items == page.items


def test_the_next_page_is_on_its_way_while_one_is_read(registered: Client, simulator: Simulator) -> None:
    registered.records.insert_many(CUSTOMER, "incident", [{"category": "walk"}] * 5)
    simulator.control("DELETE /requests")
    pages = registered.records.pages(CUSTOMER, "incident", [("category", "equals", "walk")], size=2)
    assert simulator.control("GET /requests")["requests"] == [], "it begins with the first page"
    assert len(next(pages).items) == 2
    end = time.monotonic() + 10
    while len(simulator.control("GET /requests")["requests"]) < 2:
        assert time.monotonic() < end, "nobody asked for the second page"
    assert [len(page.items) for page in pages] == [2, 1]
    with pytest.raises(InvalidInputError):
        next(registered.records.pages(CUSTOMER, "incident", size=0))


def test_one_of_many_that_fails_is_an_exception_in_its_place(registered: Client) -> None:
    made = registered.records.insert_many(CUSTOMER, "no_such_table", [{"a": "b"}, {"c": "d"}])
    assert [isinstance(one, ItsmError) and one.operation for one in made] == ["records.insert"] * 2


def test_instants_may_have_any_time_zone(registered: Client) -> None:
    def submit(at: datetime | None, key: str) -> datetime | None:
        alert: dict[str, Any] = {"customer_id": CUSTOMER, "source": "test", "id": key, "title": "t"}
        return registered.alerts.submit(**alert, severity="error", raised_at=at).alert.raised_at

    noon = datetime(2026, 2, 11, 12, tzinfo=timezone.utc)
    assert submit(noon.astimezone(timezone(timedelta(hours=2))), "a") == noon
    assert submit(noon.astimezone().replace(tzinfo=None), "b") == noon
    assert submit(None, "c") is None
    with pytest.raises(TypeError):
        submit("2026-02-11", "d")  # type: ignore[arg-type]


def test_walks_go_over_all_pages(registered: Client) -> None:
    events = list(registered.events.iterate(limit=1))
    assert len(events) > 2 and events == registered.events.list().items
    assert [account.customer_id for account in registered.accounts.iterate()] == [CUSTOMER]


def test_a_store_that_cannot_be_opened_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(StoreError):
        Client(store=tmp_path / "not there" / "adapter.db")
    with pytest.raises(InvalidInputError, match="ITSM_ADAPTER_STORE"):
        Client()


def test_no_secret_shows_itself(registered: Client, simulator: Simulator) -> None:
    connection = registered.connections.get(CUSTOMER, simulator.instance)
    with pytest.raises(ItsmError) as caught:
        registered.registrations.register(CUSTOMER, simulator.instance, **{**simulator.credentials, "user_name": "nobody"})
    shown = "".join(
        [repr(one) for one in (registered, registered.accounts, connection, registered.accounts.get(CUSTOMER), caught.value)]
        + [str(caught.value), repr(caught.value.__cause__), repr(caught.value.__dict__), repr(list(registered.events.iterate()))]
    )
    assert not [secret for secret in simulator.secrets if secret in shown]


def test_a_value_of_an_enum_is_as_good_as_its_word(client: Client) -> None:
    with pytest.raises(NotFoundError) as raised:
        client.accounts.get(CUSTOMER)
    assert raised.value.kind == ErrorKind.NOT_FOUND and ErrorKind.NOT_FOUND == "not_found"
    assert ErrorKind.NOT_FOUND != "not_founD" and ErrorKind.NOT_FOUND != ErrorKind.TIMEOUT and ErrorKind.TIMEOUT != 3
    by_kind: dict[object, int] = {ErrorKind.NOT_FOUND: 1}
    assert by_kind["not_found"] == 1 and hash(ErrorKind.NOT_FOUND) == hash("not_found")
