"""What all workers share: the line protocol, the record, the addresses.

A worker is started with the address of the stub server. It says `ready`, then reads lines `TASK COUNT IN_FLIGHT`, does
the task, and says how many seconds it took and how much processor time it used.
"""

import collections.abc
import itertools
import json
import os
import sys
import threading
import time

URL = sys.argv[1]
TABLE = f"{URL}/api/now/table/incident"
FIELDS = ["sys_id", "number"]
QUERY = {"sysparm_fields": "sys_id,number", "sysparm_exclude_reference_link": "true"}
RECORD = {
    "short_description": "Cloud Connector EDGE01 is offline",
    "description": "The Cloud Connector EDGE01 in the resource location Headquarters has not been heard of for 15 minutes.",
    "impact": "2",
    "urgency": "2",
    "correlation_id": "citrix-0123456789abcdef0123456789abcdef01234567",
}
ACCOUNT = "benchcustomer"
RECORDS = 100_000


def token() -> str:
    import urllib.request

    answer = urllib.request.urlopen(f"{URL}/oauth_token.do", data=b"grant_type=password")
    return json.load(answer)["access_token"]


def headers() -> dict[str, str]:
    return {"Authorization": f"Bearer {token()}", "Accept": "application/json"}


def in_threads(count: int, in_flight: int, work: collections.abc.Callable[[], object]) -> None:
    """Does the work so many times on so many threads."""
    left = itertools.count()

    def run() -> None:
        while next(left) < count:
            work()

    threads = [threading.Thread(target=run) for _ in range(in_flight)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def serve(tasks: dict[str, collections.abc.Callable[[int, int], object]]) -> None:
    print("ready", flush=True)
    for line in sys.stdin:
        name, count, in_flight = line.split()
        wall, cpu = time.perf_counter(), time.process_time()
        tasks[name](int(count), int(in_flight))
        print(time.perf_counter() - wall, time.process_time() - cpu, flush=True)
    # What is open is not worth closing.
    os._exit(0)
