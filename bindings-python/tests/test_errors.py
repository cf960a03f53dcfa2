"""Errors: a class per kind, attributes in place of parsing, ready to be pickled, copied, chained."""

from __future__ import annotations

import asyncio
import copy
import pickle

import pytest

from itsm_adapter import (
    AsyncClient,
    Client,
    InternalError,
    InvalidInputError,
    ItsmError,
    NotFoundError,
    OutcomeUnknownError,
    UnavailableError,
    errors,
)
from conftest import CUSTOMER, Simulator

FULL = ("What happened.", "What to do.", "accounts.get", "t-1", 3, True, 1500, {"status": "503"})


def test_an_error_says_what_happened_and_what_to_do(client: Client) -> None:
    with pytest.raises(NotFoundError) as caught:
        client.accounts.get("acmecorp0001")
    error = caught.value
    assert (error.kind, error.operation) == ("not_found", "accounts.get")
    assert str(error) == f"{error.message} {error.remedy}"
    assert (error.transaction_id, error.attempts, error.retryable, error.retry_after_ms) == (None, 0, False, None)
    assert error.context == {}


@pytest.mark.parametrize("kind", errors.by_kind.values())
def test_errors_survive_pickling_and_copying(kind: type[ItsmError]) -> None:
    error = kind(*FULL)
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is kind
        assert again.__dict__ == error.__dict__
        assert (str(again), again.args) == (str(error), error.args)


def test_an_error_made_by_hand_needs_no_more_than_its_message() -> None:
    error = UnavailableError("It is down.")
    assert (str(error), error.kind, error.context) == ("It is down.", "unavailable", {})


def test_wrong_input_is_a_value_error_too() -> None:
    assert issubclass(InvalidInputError, ValueError)


def test_an_error_carries_what_caused_it(registered: Client, simulator: Simulator) -> None:
    simulator.control("POST /faults", {"on": "dev1", "fault": "cut_after", "route": "table:incident:insert", "times": 1})
    with pytest.raises(OutcomeUnknownError) as caught:
        registered.records.insert(CUSTOMER, "incident", {"short_description": "x"})
    assert isinstance(caught.value.__cause__, ItsmError)
    assert caught.value.context["cause"] == caught.value.__cause__.kind


def test_a_panic_is_a_typed_error_and_the_client_goes_on(client: Client, asyncio_client: AsyncClient) -> None:
    with pytest.raises(InternalError) as caught:
        client._panic_on_purpose()
    assert caught.value.operation == "panic_on_purpose"
    assert client.accounts.list().items == []

    async def main() -> None:
        with pytest.raises(InternalError):
            await asyncio_client._panic_on_purpose()
        assert len((await asyncio_client.accounts.list()).items) == 1

    asyncio.run(main())
