"""Reads the quick start's JSON from standard input and checks what the README promises of it."""

import json
import sys

result = json.loads(sys.stdin.read().strip().splitlines()[-1])

connections = result["connections"]
assert len(connections) == 2, connections
assert len({c["account"] for c in connections}) == 2, "two accounts"
assert len({c["instance"] for c in connections}) == 1, "on one instance"
assert all(c["status"] == "registered" for c in connections), connections

incidents = result["incidents"]
assert len(incidents) >= 1, incidents
for incident in incidents:
    assert incident["number"].startswith("INC"), incident
    assert len(incident["sys_id"]) == 32, incident
    assert incident["correlation_id"], incident
    assert incident["sys_created_by"] == "svc.citrix", incident

steps = result["steps"]
assert all(step["ok"] and step["ms"] >= 0 for step in steps), steps
total = sum(step["ms"] for step in steps)
assert total < 3000, f"the quick start took {total} ms"
print(f"quick start: {len(steps)} steps, {total} ms")
