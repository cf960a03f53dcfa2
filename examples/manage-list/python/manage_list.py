"""The Manage list: checks every registration and shows status, health, and the days left of its grant.

Ends with 1 when something needs a person. ITSM_ADAPTER_STORE names the database.
"""

import asyncio
import sys

from itsm_adapter import AsyncClient, Connection, ConnectionStatus, InstanceHealth, ItsmError

SOON = 14


async def check(client: AsyncClient, connection: Connection) -> Connection:
    if connection.status == ConnectionStatus.UNREGISTERED:
        return connection
    try:
        return await client.registrations.check(connection.customer_id, connection.instance_id)
    except ItsmError as error:
        print(f"{connection.customer_id} at {connection.instance_id} cannot be checked: {error}", file=sys.stderr)
        return connection


def needs_a_person(connection: Connection) -> bool:
    ends = connection.grant.days_left if connection.grant else None
    return connection.status == ConnectionStatus.UNAUTHORIZED or (ends is not None and ends < SOON)


async def main() -> int:
    async with AsyncClient() as client:
        known = [connection async for connection in client.connections.iterate()]
        connections = await asyncio.gather(*(check(client, connection) for connection in known))
    print(f"{'account':16} {'instance':36} {'status':14} {'health':12} days left")
    for connection in connections:
        days = connection.grant.days_left if connection.grant else None
        name = connection.instance_name or connection.instance_id
        print(f"{connection.customer_id:16} {name:36} {connection.status!s:14} {connection.health!s:12} {days}")
        if connection.health == InstanceHealth.HIBERNATING:
            print(f"{'':16} sign in to the instance to wake it")
    return 1 if any(map(needs_a_person, connections)) else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
