"""A person registers an account: the listener here, the instance's own pages there."""

from __future__ import annotations

import asyncio
import os
import pathlib
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from itsm_adapter import (
    AsyncClient,
    Authorization,
    CancelledError,
    Client,
    ConnectionStatus,
    ConsentDeniedError,
    GrantKind,
    NotFoundError,
    TimeoutError,
)
from browser import Browser
from conftest import CUSTOMER, Simulator

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "examples/register-user-consent/python/consent.py"


def endpoint(simulator: Simulator, redirect_url: str) -> dict[str, Any]:
    """The OAuth endpoint with that redirect URL entered."""
    client_id = simulator.credentials["client_id"]
    simulator.control(f"PATCH /instances/dev1/oauth_clients/{client_id}", {"redirect_url": redirect_url})
    return {"client_id": client_id, "client_secret": simulator.credentials["client_secret"]}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def person(simulator: Simulator, authorization_url: str, button: str) -> str:
    """Signs in and presses the button; what the last page says."""
    browser = Browser()
    consent = browser.sign_in(authorization_url, simulator.credentials["user_name"], simulator.credentials["password"])
    return browser.decide(consent, button).body


def begin(client: Client, simulator: Simulator) -> Authorization:
    client.accounts.add(CUSTOMER, **simulator.account)
    redirect_url = f"http://127.0.0.1:{free_port()}/callback"
    return client.registrations.listen(CUSTOMER, simulator.instance, redirect_url=redirect_url, **endpoint(simulator, redirect_url))


def test_a_person_signs_in_and_allows(client: Client, simulator: Simulator) -> None:
    begun = begin(client, simulator)
    assert "state=" not in repr(begun)
    with ThreadPoolExecutor() as pool:
        page = pool.submit(person, simulator, begun.authorization_url, "authorize")
        done = client.registrations.wait_for(begun.flow_id)
        assert "is registered with" in page.result(30)
    assert done.user_name == "svc.citrix" and done.connection.status == ConnectionStatus.REGISTERED
    assert done.connection.grant and done.connection.grant.kind == GrantKind.USER_ACCOUNT
    assert client.records.query(CUSTOMER, "incident") == []
    assert not [secret for secret in simulator.secrets if secret in repr(done)]


def test_a_person_denies(client: Client, simulator: Simulator) -> None:
    begun = begin(client, simulator)
    with ThreadPoolExecutor() as pool:
        page = pool.submit(person, simulator, begun.authorization_url, "deny")
        with pytest.raises(ConsentDeniedError):
            client.registrations.wait_for(begun.flow_id)
        assert "not allowed" in page.result(30)
    assert client.connections.list().items == []


def test_nobody_comes_back(client: Client, simulator: Simulator) -> None:
    begun = begin(client, simulator)
    with pytest.raises(TimeoutError):
        client.registrations.wait_for(begun.flow_id, timeout_ms=1)
    with pytest.raises(NotFoundError):
        client.registrations.wait_for(begun.flow_id)


def test_waiting_in_asyncio_can_be_cancelled_which_gives_the_flow_up(simulator: Simulator) -> None:
    async def main() -> None:
        async with AsyncClient(**simulator.options()) as client:
            await client.accounts.add(CUSTOMER, **simulator.account)
            redirect_url = f"http://127.0.0.1:{free_port()}/callback"
            given: dict[str, Any] = {"redirect_url": redirect_url, **endpoint(simulator, redirect_url)}
            begun = await client.registrations.listen(CUSTOMER, simulator.instance, **given)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.registrations.wait_for(begun.flow_id), timeout=0.05)
            # The work is dropped on a thread of its own: this one can come before its end, and is told of it then.
            with pytest.raises((NotFoundError, CancelledError)):
                await client.registrations.wait_for(begun.flow_id)
            # The place is free again, and the next flow goes well.
            begun = await client.registrations.listen(CUSTOMER, simulator.instance, **given)
            page = asyncio.to_thread(person, simulator, begun.authorization_url, "authorize")
            done, said = await asyncio.gather(client.registrations.wait_for(begun.flow_id), page)
            assert done.user_name == "svc.citrix" and "is registered with" in said

    asyncio.run(main())


def test_the_browser_comes_back_to_the_application(client: Client, simulator: Simulator) -> None:
    client.accounts.add(CUSTOMER, **simulator.account)
    redirect_url = "https://bridge.example.org/callback"
    given = endpoint(simulator, redirect_url)
    begun = client.registrations.authorize(CUSTOMER, simulator.instance, redirect_url=redirect_url, session="cookie", **given)
    user = simulator.credentials["user_name"]
    callback = simulator.control("POST /instances/dev1/consent", {"url": begun.authorization_url, "user": user})["callback"]
    assert client.registrations.complete(callback, session="cookie").user_name == user


@pytest.mark.parametrize(("button", "says", "code"), [("authorize", "has allowed it", 0), ("deny", "not allowed", 1)])
def test_the_example_registers(button: str, says: str, code: int, simulator: Simulator, tmp_path: pathlib.Path) -> None:
    store = tmp_path / "a.db"
    with Client(**simulator.options(store=store)) as client:
        client.accounts.add(CUSTOMER, **simulator.account)
    redirect_url = f"http://127.0.0.1:{free_port()}/callback"
    endpoint(simulator, redirect_url)
    environment = {**os.environ, **simulator.environment(store), "SERVICENOW_REDIRECT_URL": redirect_url}
    command = [os.environ.get("ITSM_PYTHON", sys.executable), str(EXAMPLE), CUSTOMER, simulator.instance]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as example:
        assert example.stdout
        address = example.stdout.readline().removeprefix("Open ").strip()
        person(simulator, address, button)
        said, _ = example.communicate(timeout=60)
    assert says in said and example.returncode == code
