"""The adapter for Python, as a worker."""

import asyncio
import itertools
import pathlib
import tempfile

from work import ACCOUNT, FIELDS, RECORD, RECORDS, URL, in_threads, serve

from itsm_adapter import AsyncClient, Client

folder = tempfile.TemporaryDirectory()
options = {
    "store": pathlib.Path(folder.name) / "adapter.db",
    "citrix_url": URL,
    "instance_hosts": ["127.0.0.1"],
    "allow_private_networks": True,
}
client, other = Client(**options), AsyncClient(**options)
empty, empty_async = Client(store="memory"), AsyncClient(store="memory")
client.accounts.add(ACCOUNT, environment="us", client_id="client", client_secret="secret")
client.registrations.register(
    ACCOUNT, URL, client_id="client", client_secret="secret", user_name="user", password="password"
)
loop = asyncio.new_event_loop()


def insert() -> None:
    assert client.records.insert(ACCOUNT, "incident", RECORD, fields=FIELDS)["number"]


def bulk(count: int, in_flight: int) -> None:
    made = client.records.insert_many(ACCOUNT, "incident", [RECORD] * count, fields=FIELDS, in_flight=in_flight)
    assert len(made) == count and all(isinstance(one, dict) for one in made)


def concurrent(count: int, in_flight: int) -> None:
    left = itertools.count()

    async def run() -> None:
        while next(left) < count:
            assert (await other.records.insert(ACCOUNT, "incident", RECORD, fields=FIELDS))["number"]

    async def main() -> None:
        await asyncio.gather(*(run() for _ in range(in_flight)))

    loop.run_until_complete(main())


def listing(count: int, in_flight: int) -> None:
    assert sum(len(page.items) for page in client.records.pages(ACCOUNT, "incident")) == RECORDS


def call(count: int, in_flight: int) -> None:
    for _ in range(count):
        empty.is_closed


def host(count: int, in_flight: int) -> None:
    of = "".isascii
    for _ in range(count):
        of()


def noop(count: int, in_flight: int) -> None:
    async def main() -> None:
        for _ in range(count):
            await empty_async.instances.list()

    loop.run_until_complete(main())


serve(
    {
        "threads": lambda count, in_flight: in_threads(count, in_flight, insert),
        "bulk": bulk,
        "asyncio": concurrent,
        "list": listing,
        "call": call,
        "host": host,
        "noop": noop,
    }
)
