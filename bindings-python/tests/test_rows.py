"""Records as Python's own values: those of texts, and those that an instance writes in another way."""

from __future__ import annotations

import http.server
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from itsm_adapter import Client
from conftest import CUSTOMER, Simulator

ODD = '[3,1.5e3,null,true,123456789012345678901234567890,{"a":"ä"}]'


class Odd(http.server.BaseHTTPRequestHandler):
    """The instance, but the impact of an incident is no text."""

    protocol_version = "HTTP/1.1"
    instance: str

    def forward(self) -> None:
        given = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name: self.headers[name] for name in ("authorization", "content-type", "accept") if name in self.headers}
        request = urllib.request.Request(self.instance + self.path, given or None, headers, method=self.command)
        try:
            answer: Any = urllib.request.urlopen(request, timeout=30)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            text = answer.read().replace(b'"impact":"3"', b'"impact":' + ODD.encode())
        self.send_response(answer.status)
        self.send_header("content-type", answer.headers["content-type"])
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = forward

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def odd(simulator: Simulator) -> Iterator[str]:
    """The address of such an instance."""
    handler = type("Handler", (Odd,), {"instance": simulator.instance})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_values_that_are_no_texts_are_what_json_says(client: Client, simulator: Simulator, odd: str) -> None:
    client.accounts.add(CUSTOMER, **simulator.account)
    client.registrations.register(CUSTOMER, odd, **simulator.credentials)
    record, fields = {"short_description": "x"}, ["impact", "urgency"]
    wanted = {"impact": json.loads(ODD), "urgency": "3"}
    assert client.records.insert(CUSTOMER, "incident", record, fields=fields) == wanted
    assert client.records.insert_many(CUSTOMER, "incident", [record] * 2, fields=fields) == [wanted] * 2
    assert client.records.query(CUSTOMER, "incident", fields=fields) == [wanted] * 3
    page = client.records.page(CUSTOMER, "incident", fields=fields)
    assert page.items == json.loads(page.json) and len(page.items) == 3
    first: dict[str, Any] = page.items[0]
    assert type(first["impact"][4]) is int


def test_texts_come_as_they_are(registered: Client) -> None:
    texts = ['a "quoted" text', "ä€😀", "back\\slash /", "line\nline\ttab", "", "x" * 100_000]
    made = registered.records.insert_many(CUSTOMER, "incident", [{"description": text} for text in texts])
    assert [one["description"] for one in made if isinstance(one, dict)] == texts
    found = registered.records.query(CUSTOMER, "incident", fields=["description", "number"])
    assert sorted(one["description"] for one in found) == sorted(texts)
    # All of a column's names are one text.
    assert len({id(name) for one in found for name in one}) == 2
    everything = registered.records.page(CUSTOMER, "incident")
    assert everything.items == json.loads(everything.json) and len(everything.items[0]) > 20
