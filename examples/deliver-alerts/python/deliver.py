"""Makes incidents of alerts: one JSON object per line, from a file or standard input.

All alerts are stored first and cannot be lost; a second run with the same lines makes no second incident. Then the
adapter delivers whatever waits, as fast as the instance likes. ITSM_ADAPTER_STORE names the database in which the
account is registered.
"""

import json
import sys
from collections.abc import Iterable
from datetime import datetime

from itsm_adapter import Client, Delivery
from itsm_adapter.fields import AlertFields


def read(line: str) -> AlertFields:
    alert: AlertFields = json.loads(line)
    if raised_at := alert.get("raised_at"):
        alert["raised_at"] = datetime.fromisoformat(str(raised_at).replace("Z", "+00:00"))
    return alert


def tell(delivery: Delivery) -> bool:
    made = delivery.incident.number if delivery.incident else f"{delivery.status}: {delivery.failure}"
    print(f"{delivery.alert.id}: {made}")
    return delivery.incident is not None


def main(lines: Iterable[str]) -> int:
    with Client() as client:
        submitted = client.alerts.submit_many([read(line) for line in lines if line.strip()])
        lag = client.alerts.drain()
        made = [tell(client.alerts.get(delivery.id)) for delivery in submitted]
    print(f"{sum(made)} of {len(made)} alerts are incidents; {lag.dead} dead letters")
    return 1 if lag.pending + lag.unknown + lag.dead else 0


if __name__ == "__main__":
    with open(sys.argv[1]) if len(sys.argv) > 1 else sys.stdin as lines:
        sys.exit(main(lines))
