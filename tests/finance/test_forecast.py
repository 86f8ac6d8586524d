"""POST and GET /finance/forecast/{customer_id}"""

import json
from datetime import date, timedelta
from decimal import Decimal

import pytest

from audit.models import AuditBody
from cs_integrations.customers.models import Customer, HealthSnapshot, Stakeholder
from finance.models import Contract, ForecastAdjustment
from tests.clients import problem_of, record_of
from tests.factories import (
    NOON,
    TODAY,
    CustomerFactory,
    HealthSnapshotFactory,
    PlanFactory,
    StakeholderFactory,
    SubscriptionFactory,
    UsageMonthlyFactory,
)
from tests.finance.factories import ContractFactory, DeliveryFactory, ForecastAdjustmentFactory

pytestmark = pytest.mark.django_db

PATH = "/finance/forecast/cust_123"
BODY = {
    "renewal_probability": 0.94,
    "confidence_interval": [0.88, 0.97],
    "scenarios": {"expansion": "$75k"},
}


def body(**changes):
    return {name: value for name, value in (BODY | changes).items() if value is not None}


@pytest.fixture
def customer():
    """Steady health of 88; readiness 25 + 22 + 25 + 12.75 + 7 = 91.75 points, so 92."""
    customer = CustomerFactory(public_id="cust_123")
    contract = ContractFactory(customer=customer, end_date=TODAY + timedelta(days=165))
    DeliveryFactory(commitment__contract=contract)
    for days_ago in (0, 90):
        HealthSnapshotFactory(customer=customer, measured_date=TODAY - timedelta(days=days_ago))
    SubscriptionFactory(customer=customer, plan=PlanFactory(mails_per_month=None), seats=15)
    for month in (date(2026, 4, 1), date(2026, 5, 1)):
        UsageMonthlyFactory(customer=customer, month=month, used=14)
    StakeholderFactory(customer=customer, sponsor=True)
    return customer


@pytest.fixture
def send(api):
    return lambda sent=BODY, **headers: api.send(PATH, sent, **headers)


@pytest.fixture
def submit(api):
    """Submit a body and return the answer's members."""

    def submit(sent=BODY, path=PATH):
        answer = api.send(path, sent)
        assert answer.status_code == 201, answer.content
        return answer.json()

    return submit


@pytest.fixture
def explained(submit):
    return lambda sent=BODY: submit(sent, f"{PATH}?explain=true")["explanation"]


def test_it_gives_the_specified_example(send, customer):
    answer = send()

    stored = ForecastAdjustment.objects.get()
    assert answer.status_code == 201
    assert list(answer.json().items()) == [
        ("forecast_id", stored.public_id),
        ("customer_id", "cust_123"),
        ("renewal_probability", 0.94),  # of .94 and the model's .9505
        ("confidence_interval", [0.88, 0.97]),
        ("scenarios", {"expansion": "$75k"}),
        ("risk_adjusted_value", "$143,913"),  # .940525 * 120,000 + .92 * .45 * 75,000
        ("status", "accepted"),
    ]


def test_the_location_answers_with_the_forecast_in_force(api, send, customer):
    sent = send()

    assert sent["Location"] == "/v1/cs-integrations/finance/forecast/cust_123"
    assert api.get(sent["Location"]).json() == sent.json()


# --- the answer follows the facts ------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "probability", "value"),
    [
        pytest.param(
            lambda: HealthSnapshot.objects.update(score=62), 0.93, "$139,706", id="worse health"
        ),
        pytest.param(
            lambda: HealthSnapshot.objects.filter(measured_date=TODAY).update(score=70),
            0.93,
            "$140,797",
            id="health has fallen",
        ),
        pytest.param(
            lambda: Contract.objects.update(annual_value=60_000),
            0.94,
            "$87,481",
            id="smaller contract",
        ),
        pytest.param(
            lambda: Stakeholder.objects.update(left_date=TODAY),
            0.94,
            "$141,213",
            id="less ready to expand",
        ),
    ],
)
def test_it_follows_the_facts(submit, customer, change, probability, value):
    change()

    answer = submit()

    assert (answer["renewal_probability"], answer["risk_adjusted_value"]) == (probability, value)


def test_a_narrow_interval_weighs_more_than_a_wide_one(submit, customer):
    HealthSnapshot.objects.update(score=62)  # the model says .64

    narrow = submit(body(renewal_probability=0.8, confidence_interval=[0.78, 0.82]))
    wide = submit(body(renewal_probability=0.8, confidence_interval=[0.4, 1]))

    assert (narrow["renewal_probability"], wide["renewal_probability"]) == (0.8, 0.69)


def test_a_score_sent_with_a_trigger_moves_nothing(submit, customer):
    HealthSnapshotFactory(
        customer=customer, source=HealthSnapshot.Source.API_TRIGGER, score=Decimal(5)
    )

    assert submit()["risk_adjusted_value"] == "$143,913"


def test_a_red_45_renews_with_less_than_30_percent(explained, customer):
    """ITP T2.2."""
    HealthSnapshot.objects.filter(measured_date=TODAY).update(score=45)

    assert explained()["steps"]["model_probability"] < 0.30


# --- what is submitted -------------------------------------------------------------------------


def test_only_an_expansion_adds_to_the_value(submit, customer):
    others = {"contraction": "$20k", "churn": "$120,000", "flat_renewal": "$0.12m"}

    answer = submit(body(scenarios=others))

    assert answer["scenarios"] == others
    assert answer["risk_adjusted_value"] == "$112,863"


def test_scenarios_may_be_left_out(submit, customer):
    answer = submit(body(scenarios=None))

    assert (answer["scenarios"], answer["risk_adjusted_value"]) == ({}, "$112,863")


@pytest.mark.parametrize(
    ("evidence", "status"), [("", "needs_review"), ("  ", "needs_review"), ("QBR", "accepted")]
)
def test_a_bold_claim_needs_evidence(submit, customer, evidence, status):
    bold = body(renewal_probability=0.4, confidence_interval=[0.3, 0.5], evidence=evidence)

    assert submit(bold)["status"] == status


# --- too little is known -------------------------------------------------------------------------


def test_without_health_the_submitted_value_stands(explained, customer):
    HealthSnapshot.objects.all().delete()

    explanation = explained()

    assert explanation["steps"]["model_probability"] is None
    assert explanation["steps"]["blended_probability"] == 0.94
    assert explanation["reasons"] == [
        "The customer has no computed health, so the submitted value stands."
    ]


def test_without_older_health_no_trend_is_assumed(explained, customer):
    HealthSnapshot.objects.exclude(measured_date=TODAY).delete()

    explanation = explained()

    assert explanation["inputs"]["earlier_health_score"] is None
    assert explanation["reasons"] == ["No computed health is 90 days old, so no trend is assumed."]


def test_an_expansion_of_unknown_readiness_has_no_value(api):
    ContractFactory(customer__public_id="cust_123")

    answer = api.send(f"{PATH}?explain=true", BODY).json()

    assert answer["risk_adjusted_value"] is None
    assert (
        "Expansion readiness is unknown, so no value is put on the scenario."
        in answer["explanation"]["reasons"]
    )


# --- history, repeats ----------------------------------------------------------------------------


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


# --- refusals ------------------------------------------------------------------------------------


def test_without_a_forecast_there_is_nothing_to_read(api, customer):
    answer = api.read(PATH)

    assert problem_of(answer) == (404, "not-found", [])
    assert answer.json()["detail"] == "There is no forecast for this customer."


@pytest.mark.parametrize("customer_id", ["cust_404", "cust_", "ctr_123", "cust_%00", "cust_1-2"])
@pytest.mark.parametrize("method", ["read", "send"])
def test_an_unknown_customer_is_not_found(api, customer, method, customer_id):
    sent = () if method == "read" else (BODY,)

    answer = getattr(api, method)(f"/finance/forecast/{customer_id}", *sent)

    assert problem_of(answer) == (404, "not-found", [])
    assert answer.json()["detail"] == "There is no customer with this id."


def test_a_deleted_customer_is_not_found(send, customer):
    Customer.objects.update(status=Customer.Status.DELETED)

    assert send().status_code == 404
    assert not ForecastAdjustment.objects.exists()


@pytest.mark.parametrize("trait", ["ended", "future", "superseded", "terminated", None])
def test_without_a_running_contract_there_is_nothing_to_renew(send, trait):
    customer = CustomerFactory(public_id="cust_123")
    if trait == "superseded":
        successor = ContractFactory(customer=customer, ended=True)
        ContractFactory(customer=customer, superseded=True, superseded_by=successor)
    elif trait:
        ContractFactory(customer=customer, **{trait: True})

    answer = send()

    assert problem_of(answer) == (409, "conflict", [])
    assert "nothing to renew" in answer.json()["detail"]
    assert not ForecastAdjustment.objects.exists()


@pytest.mark.parametrize(
    ("changes", "pointer", "rule"),
    [
        ({"renewal_probability": None}, "/renewal_probability", "required"),
        ({"renewal_probability": 1.01}, "/renewal_probability", "range"),
        ({"renewal_probability": -0.01}, "/renewal_probability", "range"),
        ({"renewal_probability": "0.94"}, "/renewal_probability", "not_a_number"),
        ({"renewal_probability": True}, "/renewal_probability", "not_a_number"),
        ({"confidence_interval": None}, "/confidence_interval", "required"),
        ({"confidence_interval": 0.9}, "/confidence_interval", "not_a_list"),
        ({"confidence_interval": [0.88]}, "/confidence_interval", "min_length"),
        ({"confidence_interval": [0.8, 0.9, 0.97]}, "/confidence_interval", "max_length"),
        ({"confidence_interval": [0.88, 1.2]}, "/confidence_interval/1", "range"),
        ({"confidence_interval": [0.97, 0.88]}, "/confidence_interval", "ordered"),
        ({"confidence_interval": [0.95, 0.97]}, "/confidence_interval", "ordered"),
        ({"confidence_interval": [0.80, 0.90]}, "/confidence_interval", "ordered"),
        ({"scenarios": {"expansion": "75k"}}, "/scenarios/expansion", "money"),
        ({"scenarios": {"expansion": 75_000}}, "/scenarios/expansion", "not_text"),
        ({"scenarios": {"expansion": "$1001m"}}, "/scenarios/expansion", "max_value"),
        ({"scenarios": {"windfall": "$75k"}}, "/scenarios/windfall", "unknown_member"),
        ({"evidence": 1}, "/evidence", "not_text"),
        ({"evidence": "x" * 501}, "/evidence", "max_length"),
        ({"period": "x" * 41}, "/period", "max_length"),
        ({"forecast": 1}, "/forecast", "unknown_member"),
    ],
)
def test_a_broken_rule_is_named_and_nothing_is_stored(send, customer, changes, pointer, rule):
    answer = send(body(**changes))

    assert problem_of(answer) == (400, "validation-error", [(pointer, rule)])
    assert not ForecastAdjustment.objects.exists()


def test_each_broken_rule_is_named(send, customer):
    status, _, errors = problem_of(send({"confidence_interval": [2, 3], "evidence": None}))

    assert status == 400
    assert {pointer for pointer, _ in errors} == {
        "/renewal_probability",
        "/confidence_interval/0",
        "/confidence_interval/1",
        "/evidence",
    }


def test_a_refused_forecast_leaves_the_current_one_in_force(api, submit, send, customer):
    current = submit()

    assert send(body(confidence_interval=[0.95, 0.97])).status_code == 400

    assert api.read(PATH).json() == current


# --- reasons, trail ------------------------------------------------------------------------------


def test_it_explains_itself(explained, customer):
    explanation = explained()

    assert explanation["rule_id"] == "finance.forecast_adjustment"
    assert explanation["inputs"] == {
        "submitted_probability": 0.94,
        "confidence_interval": [0.88, 0.97],
        "scenarios": {"expansion": "$75k"},
        "has_evidence": False,
        "contract_id": Contract.objects.get().public_id,
        "health_score": 88,
        "earlier_health_score": 88,
        "expansion_readiness": 92,
        "annual_value": 120_000,
    }
    assert explanation["steps"] == {
        "model_probability": 0.950478,
        "blended_probability": 0.940525,
        "expansion_probability": 0.414,
        "risk_adjusted_value": 143_912.96,
        "effective_from": "2026-06-15T12:00:00+00:00",
    }
    assert (explanation["sample_size"], explanation["reasons"]) == (None, [])


def test_the_trail_names_the_customer_and_keeps_no_free_text(send, customer):
    record = record_of(send(body(evidence="Jane Doe told me", period="2027Q1")))

    assert record.objects_named == {"customer_id": "cust_123"}
    assert (record.domain, record.operation) == ("finance", "finance_forecast_adjust")
    kept = json.loads(AuditBody.objects.get(pk=record.pk).request)
    assert kept == BODY | {"period": "2027Q1"}
