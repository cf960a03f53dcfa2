"""Registers an account with an instance through a service account: tests first, then saves.

Takes the customer id and the address of the instance as arguments, the secrets from the environment:
SERVICENOW_CLIENT_ID, SERVICENOW_CLIENT_SECRET, SERVICENOW_USER, SERVICENOW_PASSWORD. ITSM_ADAPTER_STORE names the
database that the account was added to.
"""

import os
import sys

from itsm_adapter import AlreadyRegisteredError, CheckOutcome, Client, ItsmError, UnauthorizedError


def main(customer: str, instance: str) -> None:
    credentials = {
        "client_id": os.environ["SERVICENOW_CLIENT_ID"],
        "client_secret": os.environ["SERVICENOW_CLIENT_SECRET"],
        "user_name": os.environ["SERVICENOW_USER"],
        "password": os.environ["SERVICENOW_PASSWORD"],
    }
    with Client() as client:
        report = client.registrations.test(customer, instance, **credentials)
        for check in report.checks:
            print(f"{check.outcome!s:8} {check.name!s:16} {check.seen}")
            if check.outcome == CheckOutcome.FAIL:
                print(f"{'':25} {check.remedy}")
        if not report.passed:
            sys.exit("Nothing was saved.")
        connection = client.registrations.register(customer, instance, **credentials)
        days = connection.grant and connection.grant.days_left
        print(f"{customer} is {connection.status} with {connection.instance_id}, days left: {days}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:3])
    except AlreadyRegisteredError as error:
        sys.exit(f"Unregister the account from {error.context['held_by']} first.")
    except UnauthorizedError as error:
        sys.exit(f"The credentials are refused: {error}")
    except ItsmError as error:
        sys.exit(f"{error.kind}: {error} (transaction {error.transaction_id})")
