#!/usr/bin/env python3
"""Make the specification's ten example calls and hold the answers against it.

    python examples/tour.py --url http://127.0.0.1:8000 --client-id ID --client-secret SECRET

Needs `requests-oauthlib`. The calls and their answers are in `calls.json` beside this file:
`*` stands for a value that the facts decide, a string that starts with `^` is a pattern.
Exits with 1 when an answer differs.
"""

import argparse
import json
import os
import re
import sys
from pathlib import Path

from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error
from requests import RequestException
from requests_oauthlib import OAuth2Session

CALLS = json.loads((Path(__file__).parent / "calls.json").read_text())


def differences(expected, answer):
    """Return what is wrong with an answer: members and their order are exact."""
    if list(answer) != list(expected):
        return [f"members {list(answer)} are not {list(expected)}"]
    return [
        f"{name} is {answer[name]!r}, not {wanted!r}"
        for name, wanted in expected.items()
        if not _agrees(wanted, answer[name])
    ]


def _agrees(wanted, value):
    if wanted == "*":
        return True
    if isinstance(wanted, str) and wanted.startswith("^"):
        return isinstance(value, str) and re.match(wanted, value) is not None
    return value == wanted


def make_call(session, url, call):
    """Make one call; return its status and its answer."""
    target = url + CALLS["base"] + call["path"]
    response = session.request(call["method"], target, json=call.get("body"), timeout=30)
    return response.status_code, response.json()


def main():
    """Get a token and make the calls; return the number of answers that differ."""
    arguments = _arguments()
    os.environ.setdefault("OAUTHLIB_INSECURE_TRANSPORT", "1")  # for a server on this machine
    session = OAuth2Session(client=BackendApplicationClient(client_id=arguments.client_id))
    session.fetch_token(
        f"{arguments.url}/auth/token",
        client_id=arguments.client_id,
        client_secret=arguments.client_secret,
    )
    calls = CALLS["calls"][::-1] if arguments.reverse else CALLS["calls"]
    wrong = 0
    for call in calls:
        status, answer = make_call(session, arguments.url, call)
        found = [] if status == call["status"] else [f"status {status}, not {call['status']}"]
        found += differences(call["answer"], answer)
        wrong += bool(found)
        print(f"{'DIFFERS' if found else 'ok':8}{call['name']:22}{json.dumps(answer)}")
        for line in found:
            print(f"        {line}")
    print(f"{len(calls) - wrong} of {len(calls)} answers are the specification's.")
    return wrong


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--client-id", required=True)
    parser.add_argument("--client-secret", required=True)
    parser.add_argument("--reverse", action="store_true", help="make the calls in reverse order")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(1 if main() else 0)
    except (OAuth2Error, RequestException) as error:
        sys.exit(f"No token, no tour: {error}")
