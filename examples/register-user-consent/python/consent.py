"""Registers an account with an instance through a person's consent, on this machine.

The person opens the address in a browser, signs in at the instance and clicks Allow; a page then says what happened.
ITSM_ADAPTER_STORE names the database that the account was added to, SERVICENOW_CLIENT_ID and SERVICENOW_CLIENT_SECRET
the OAuth endpoint, SERVICENOW_REDIRECT_URL the redirect URL entered there, such as http://127.0.0.1:8719/callback.

Usage: consent.py CUSTOMER_ID INSTANCE_URL
"""

import os
import sys

from itsm_adapter import Client, ConsentDeniedError, ItsmError


def register(client: Client, customer: str, instance: str) -> str:
    begun = client.registrations.listen(
        customer,
        instance,
        client_id=os.environ["SERVICENOW_CLIENT_ID"],
        client_secret=os.environ["SERVICENOW_CLIENT_SECRET"],
        redirect_url=os.environ["SERVICENOW_REDIRECT_URL"],
    )
    print(f"Open {begun.authorization_url}", flush=True)
    done = client.registrations.wait_for(begun.flow_id)
    return f"{done.user_name} has allowed it: {customer} is {done.connection.status}"


def main(customer: str, instance: str) -> int:
    with Client() as client:
        try:
            print(register(client, customer, instance))
        except ConsentDeniedError:
            print("It was not allowed. Nothing was changed.")
            return 1
        except ItsmError as error:
            print(f"{error.kind}: {error}")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
