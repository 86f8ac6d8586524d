"""Forecasts that are sent again, superseded or read."""

from datetime import timedelta

import pytest

from cs_integrations.customers.models import HealthSnapshot
from finance.models import Contract, ForecastAdjustment
from tests.clients import problem_of
from tests.factories import NOON
from tests.finance.factories import ForecastAdjustmentFactory
from tests.finance.submissions import BODY, PATH, body

pytestmark = pytest.mark.django_db


def test_the_same_body_again_within_a_day_is_the_same_forecast(
    client_with, send, customer, time_machine
):
    first = send()
    time_machine.move_to(NOON + timedelta(hours=23, minutes=59), tick=False)
    HealthSnapshot.objects.update(score=50)

    again = client_with("cs-finance.write").send(
        PATH, b'{"renewal_probability": 0.940, "confidence_interval": [0.88, 9.7e-1],'
        b' "scenarios": {"expansion": "$75k"}}'
    )  # fmt: skip

    assert (again.status_code, again.json()) == (201, first.json())
    assert again["Idempotent-Replayed"] == "true"
    assert again["Location"] == first["Location"]
    assert ForecastAdjustment.objects.count() == 1


def test_a_day_later_it_is_a_new_forecast(client_with, send, customer, time_machine):
    first = send()
    time_machine.move_to(NOON + timedelta(hours=24), tick=False)

    again = client_with("cs-finance.write").send(PATH, BODY)

    assert again.json()["forecast_id"] != first.json()["forecast_id"]
    assert "Idempotent-Replayed" not in again
    assert ForecastAdjustment.objects.count() == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"renewal_probability": 0.93},
        {"confidence_interval": [0.87, 0.97]},
        {"scenarios": {"expansion": "$75,000"}},
        {"evidence": "Sponsor confirmed the budget"},
        {"period": "2027Q1"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_another_body_supersedes_the_forecast_and_both_are_kept(api, submit, customer, changes):
    first, second = submit(), submit(body(**changes))

    assert api.read(PATH).json() == second
    old = ForecastAdjustment.objects.get(public_id=first["forecast_id"])
    new = ForecastAdjustment.objects.get(public_id=second["forecast_id"])
    assert (old.superseded_at, new.superseded_at) == (NOON, None)


def test_going_back_to_an_earlier_forecast_is_a_new_one(submit, customer):
    first = submit()
    submit(body(renewal_probability=0.9))

    assert submit()["forecast_id"] != first["forecast_id"]


def test_forecasts_of_one_customer_leave_those_of_others_alone(submit, customer):
    other = ForecastAdjustmentFactory()

    submit()

    other.refresh_from_db()
    assert other.superseded_at is None


def test_a_key_answers_the_same_bytes_and_acts_once(send, customer):
    key = {"Idempotency-Key": "forecast-of-june"}
    first = send(**key)
    ForecastAdjustment.objects.update(risk_adjusted_value=1)

    again = send(**key)

    assert (again.status_code, again.content) == (201, first.content)
    assert again["Idempotent-Replayed"] == "true"
    assert again["Location"] == first["Location"]
    assert ForecastAdjustment.objects.count() == 1


def test_a_key_of_another_body_is_refused(send, customer):
    send(**{"Idempotency-Key": "forecast-of-june"})

    answer = send(body(renewal_probability=0.9), **{"Idempotency-Key": "forecast-of-june"})

    assert problem_of(answer) == (422, "idempotency-key-reused", [])
    assert ForecastAdjustment.objects.count() == 1


# --- reading -------------------------------------------------------------------------------------


def test_what_is_read_was_computed_when_it_was_submitted(api, submit, customer):
    sent = submit()
    HealthSnapshot.objects.update(score=40)
    Contract.objects.update(annual_value=1)

    assert api.read(PATH).json() == sent


def test_reading_explains_itself_too(api, explained, customer):
    given = explained()

    assert api.read(f"{PATH}?explain=true").json()["explanation"] == given
