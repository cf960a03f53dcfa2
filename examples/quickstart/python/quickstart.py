"""The whole life of the adapter: nothing, connected, registered, an alert is an incident.

Needs CITRIX_CUSTOMER_ID, CITRIX_CLIENT_ID, CITRIX_CLIENT_SECRET, SERVICENOW_URL, SERVICENOW_CLIENT_ID,
SERVICENOW_CLIENT_SECRET, SERVICENOW_USER, SERVICENOW_PASSWORD; CITRIX_ENVIRONMENT is "us" when left out, and the state
is kept in memory unless ITSM_ADAPTER_STORE names a file.
"""

import os
import sys
from pathlib import Path

from itsm_adapter import Client, ItsmError, NotFoundError

NOTIFICATION = Path(__file__).parents[1] / "notification.json"


def main() -> None:
    given = os.environ
    customer, instance = given["CITRIX_CUSTOMER_ID"], given["SERVICENOW_URL"]
    with Client(store=given.get("ITSM_ADAPTER_STORE", "memory")) as client:
        try:
            client.accounts.get(customer)
        except NotFoundError:
            client.accounts.add(
                customer,
                environment=given.get("CITRIX_ENVIRONMENT", "us"),
                client_id=given["CITRIX_CLIENT_ID"],
                client_secret=given["CITRIX_CLIENT_SECRET"],
            )
        client.connections.connect(customer, instance, instance_name="Help desk")
        connection = client.registrations.register(
            customer,
            instance,
            client_id=given["SERVICENOW_CLIENT_ID"],
            client_secret=given["SERVICENOW_CLIENT_SECRET"],
            user_name=given["SERVICENOW_USER"],
            password=given["SERVICENOW_PASSWORD"],
        )
        print(f"{customer} is {connection.status} with {connection.instance_id}")

        # What Citrix Cloud sends to a webhook, made out to this account.
        body = NOTIFICATION.read_text().replace("acmecorp0001", customer).encode()
        accepted = client.alerts.submit_webhook(body, customer_id=customer)
        assert accepted is not None, "the callback tells of a new notification"
        incident = client.alerts.deliver(accepted.id).incident
        assert incident is not None, "what is delivered has an incident"
        print(f"{incident.number}: {incident.short_description} (priority {incident.priority})")

        found = client.records.query(
            customer, "incident", [("correlation_id", "equals", incident.correlation_id)], fields=["number", "state"]
        )
        print(f"the instance shows {found}")


if __name__ == "__main__":
    try:
        main()
    except ItsmError as error:
        sys.exit(f"It ends here, in {error.operation}: {error} (transaction {error.transaction_id})")
