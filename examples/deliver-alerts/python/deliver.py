"""Makes incidents of alerts: one JSON object per line, from a file or standard input.

Every alert is stored first and cannot be lost; a second run with the same lines makes no second incident. At most 16
are delivered at a time. ITSM_ADAPTER_STORE names the database in which the account is registered.
"""

import asyncio
import json
import sys
from collections.abc import Iterable
from datetime import datetime

from itsm_adapter import AsyncClient, Delivery, ItsmError


async def submit(client: AsyncClient, line: str) -> Delivery:
    alert = json.loads(line)
    if alert.get("raised_at"):
        alert["raised_at"] = datetime.fromisoformat(alert["raised_at"].replace("Z", "+00:00"))
    return await client.alerts.submit(**alert)


async def deliver(client: AsyncClient, delivery: Delivery, places: asyncio.Semaphore) -> bool:
    async with places:
        try:
            incident = (await client.alerts.deliver(delivery.id)).incident
        except ItsmError as error:
            print(f"{delivery.alert.id}: {error.kind}, {'later' if error.retryable else 'needs a person'}: {error}")
            return False
        print(f"{delivery.alert.id}: {incident.number if incident else '?'}")
        return incident is not None


async def main(lines: Iterable[str]) -> int:
    places = asyncio.Semaphore(16)
    async with AsyncClient() as client:
        deliveries = [await submit(client, line) for line in lines if line.strip()]
        done = await asyncio.gather(*(deliver(client, delivery, places) for delivery in deliveries))
    print(f"{sum(done)} of {len(done)} alerts are incidents")
    return 0 if all(done) else 1


if __name__ == "__main__":
    with open(sys.argv[1]) if len(sys.argv) > 1 else sys.stdin as lines:
        sys.exit(asyncio.run(main(lines)))
