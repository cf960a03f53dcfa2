"""What a careful person would use instead, one library per worker: pysnow, requests, aiohttp or httpx."""

import asyncio
import itertools
import sys

from work import QUERY, RECORD, RECORDS, TABLE, URL, headers, in_threads, serve


def with_pysnow():
    import pysnow
    import requests

    session = requests.Session()
    session.headers.update(headers())
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=64))
    incident = pysnow.Client(host=URL.removeprefix("http://"), session=session, use_ssl=False).resource("/table/incident")
    incident.parameters.fields = ["sys_id", "number"]
    incident.parameters.exclude_reference_link = True

    def insert():
        assert incident.create(RECORD)["number"]

    return {"threads": lambda count, in_flight: in_threads(count, in_flight, insert)}


def with_requests():
    import requests

    session = requests.Session()
    session.headers.update(headers())

    def listing(count, in_flight):
        seen, query = 0, "ORDERBYsys_id"
        while rows := session.get(TABLE, params={"sysparm_query": query, "sysparm_limit": 1000}).json()["result"]:
            seen += len(rows)
            query = f"sys_id>{rows[-1]['sys_id']}^ORDERBYsys_id"
        assert seen == RECORDS

    return {"list": listing}


def concurrently(loop, insert):
    def run(count, in_flight):
        left = itertools.count()

        async def one():
            while next(left) < count:
                assert (await insert())["result"]["number"]

        async def main():
            await asyncio.gather(*(one() for _ in range(in_flight)))

        loop.run_until_complete(main())

    return {"asyncio": run}


def with_aiohttp():
    import aiohttp

    async def open_session():
        return aiohttp.ClientSession(headers=headers(), connector=aiohttp.TCPConnector(limit=64))

    loop = asyncio.new_event_loop()
    session = loop.run_until_complete(open_session())

    async def insert():
        async with session.post(TABLE, params=QUERY, json=RECORD) as answer:
            assert answer.status == 201
            return await answer.json()

    return concurrently(loop, insert)


def with_httpx():
    import httpx

    client = httpx.AsyncClient(headers=headers(), limits=httpx.Limits(max_connections=64), timeout=60)

    async def insert():
        answer = await client.post(TABLE, params=QUERY, json=RECORD)
        assert answer.status_code == 201
        return answer.json()

    return concurrently(asyncio.new_event_loop(), insert)


serve({"pysnow": with_pysnow, "requests": with_requests, "aiohttp": with_aiohttp, "httpx": with_httpx}[sys.argv[2]]())
