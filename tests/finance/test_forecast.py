"""POST /finance/forecast/{customer_id}: the answer and its reasons."""

from decimal import Decimal

import pytest

from cs_integrations.customers.models import HealthSnapshot, Stakeholder
from finance.models import Contract, ForecastAdjustment
from tests.clients import kept_of, record_of
from tests.factories import TODAY, HealthSnapshotFactory
from tests.finance.factories import ContractFactory
from tests.finance.submissions import BODY, PATH, body

pytestmark = pytest.mark.django_db


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


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        ((88, 60), "The trend counts as 5 points at most."),
        ((70, 95), "The trend counts as 5 points at most."),
        ((45, 35), "In the red zone a rise of health does not count."),
    ],
)
def test_a_trend_that_is_held_back_is_named(explained, customer, scores, reason):
    HealthSnapshot.objects.exclude(measured_date=TODAY).update(score=scores[1])
    HealthSnapshot.objects.filter(measured_date=TODAY).update(score=scores[0])

    assert reason in explained()["reasons"]


def test_an_interval_without_width_counts_as_a_narrow_one(explained, customer):
    certain = explained(body(confidence_interval=[0.94, 0.94]))

    assert certain["reasons"] == ["An interval narrower than 0.0392 counts as that wide."]
    assert certain["steps"]["blended_probability"] == 0.940104


def test_an_expansion_of_unknown_readiness_has_no_value(api):
    ContractFactory(customer__public_id="cust_123")

    answer = api.send(f"{PATH}?explain=true", BODY).json()

    assert answer["risk_adjusted_value"] is None
    assert (
        "Expansion readiness is unknown, so no value is put on the scenario."
        in answer["explanation"]["reasons"]
    )


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
    answer = send(body(evidence="Jane Doe told me", period="2027Q1"))

    record = record_of(answer)
    assert record.customer_id == "cust_123"
    assert record.object_ids == ["cust_123", answer.json()["forecast_id"]]
    assert (record.domain, record.operation) == ("finance", "finance_forecast_adjust")
    kept, _ = kept_of(answer)
    assert {name: kept[name] for name in BODY} == BODY
    assert set(kept) - set(BODY) == {"evidence", "period"}
    assert kept["evidence"].startswith("sha256:")
    assert kept["period"].startswith("sha256:")
