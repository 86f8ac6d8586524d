"""The specification's ten examples, on the demo portfolio, by the rules: `examples/tour.py`."""

import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from cs_integrations.clients.scopes import SCOPES
from examples import tour
from tests.clients import API, HubClient, issue_token

DAYS = [
    date(2026, 11, 23),
    date(2026, 1, 31),
    date(2026, 12, 31),
    date(2028, 2, 29),
    date(2027, 2, 28),
    date(2026, 5, 1),
]
GENEROUS = dict.fromkeys(("marketing", "sales", "product", "finance", "operations"), 1000)


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def calls_that_differ(calls):
    client = HubClient(token=issue_token(list(SCOPES), rate_limits=GENEROUS).raw)
    found = {}
    for call in calls:
        answer = (
            client.read(call["path"])
            if call["method"] == "GET"
            else client.send(call["path"], call["body"])
        )
        wrong = tour.differences(call["answer"], answer.json())
        if answer.status_code != call["status"] or wrong:
            found[call["name"]] = (answer.status_code, answer.json(), wrong)
    return found


@pytest.mark.parametrize("days_after", [0, 1, 14])
@pytest.mark.parametrize("day", DAYS, ids=str)
@pytest.mark.django_db
def test_the_examples_come_out(day, days_after, time_machine):
    time_machine.move_to(noon(day), tick=False)
    call_command("seed", as_of=day, stdout=StringIO())
    time_machine.move_to(noon(day) + timedelta(days=days_after), tick=False)

    assert calls_that_differ(tour.CALLS["calls"]) == {}


@pytest.mark.django_db
def test_they_come_out_in_reverse_order_and_again_on_repeat(time_machine):
    time_machine.move_to(noon(DAYS[0]), tick=False)
    call_command("seed", as_of=DAYS[0], stdout=StringIO())
    backwards = tour.CALLS["calls"][::-1]

    assert calls_that_differ(backwards) == {}
    assert calls_that_differ(backwards) == {}


@pytest.mark.django_db
def test_whatever_the_random_seed(time_machine):
    time_machine.move_to(noon(DAYS[0]), tick=False)
    call_command("seed", as_of=DAYS[0], random_seed=77, light=True, stdout=StringIO())

    assert calls_that_differ(tour.CALLS["calls"]) == {}


@pytest.mark.parametrize("arguments", [(), ("--reverse",)], ids=["in order", "in reverse"])
@pytest.mark.django_db(transaction=True)
def test_the_script_itself_over_http_with_an_oauth_client_library(live_server, arguments):
    call_command("seed", stdout=StringIO())
    made = StringIO()
    call_command("create_client", "Tour", scopes=" ".join(SCOPES), stdout=made)
    client = json.loads(made.getvalue())
    command = [
        *(sys.executable, tour.__file__, "--url", live_server.url),
        *("--client-id", client["client_id"], "--client-secret", client["client_secret"]),
        *arguments,
    ]

    finished = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603

    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "10 of 10" in finished.stdout


def test_the_calls_are_the_specifications():
    assert tour.CALLS["base"] == API
    assert len(tour.CALLS["calls"]) == 10
