#!/usr/bin/env python3
"""Runs a program beside a person who consents: takes the address that the program shows, signs in at the simulator
behind it, chooses Allow, and lets the browser come back.

Usage: beside_person.py PROGRAM [ARGUMENT...]

ITSM_SIMULATOR_STARTUP holds the announcement of a running simulator. SERVICENOW_CLIENT_ID names the OAuth endpoint,
which gets a redirect URL with a free port; the program finds it in SERVICENOW_REDIRECT_URL.
"""

import json
import os
import re
import socket
import subprocess
import sys
import urllib.request

simulator = json.loads(os.environ["ITSM_SIMULATOR_STARTUP"])
user = simulator["users"][0]["user_name"]


def control(method, path, body):
    request = urllib.request.Request(
        simulator["control_url"] + path, json.dumps(body).encode(), {"Content-Type": "application/json"}, method=method
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


with socket.create_server(("127.0.0.1", 0)) as free:
    redirect = f"http://127.0.0.1:{free.getsockname()[1]}/callback"
endpoint = os.environ["SERVICENOW_CLIENT_ID"]
control("PATCH", f"/instances/dev1/oauth_clients/{endpoint}", {"redirect_url": redirect})

program = subprocess.Popen(
    sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    env=os.environ | {"SERVICENOW_REDIRECT_URL": redirect},
)
try:
    for line in program.stdout:
        if address := re.search(r"http\S+/oauth_auth\.do\?\S+", line):
            answer = control("POST", "/instances/dev1/consent", {"url": address[0], "user": user})
            with urllib.request.urlopen(answer["callback"]) as page:
                assert "Registered" in page.read().decode()
            line = line.replace(address[0], address[0].split("?")[0])
        print(line, end="", flush=True)
    sys.exit(program.wait())
finally:
    program.kill()
