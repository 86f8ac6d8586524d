"""GET /product/adoption/{feature_id}"""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest

from cs_integrations.customers.models import Customer, HealthSnapshot
from product.models import FeatureEntitlement, FeatureUsageDaily
from tests.clients import problem_of, record_of
from tests.factories import TODAY, CustomerFactory, HealthSnapshotFactory, SubscriptionFactory
from tests.product.factories import (
    FeatureEntitlementFactory,
    FeatureFactory,
    FeatureRatingFactory,
    FeatureUsageDailyFactory,
    TrainingRecordFactory,
)

pytestmark = pytest.mark.django_db

PATH = "/product/adoption/feat_101"
YESTERDAY = TODAY - timedelta(days=1)
LAST_MONTH = TODAY - timedelta(days=40)
CUSTOMERS, ADOPTERS, LATE = 25, 17, 5
NOTHING = {
    "adoption_rate": None,
    "health_correlation": None,
    "barriers": [],
    "recommendations": [],
}


def give(feature, **facts):
    """Return a customer that has had a feature for long and used it before the window."""
    entitled = FeatureEntitlementFactory(feature=feature, **facts)
    FeatureUsageDailyFactory(feature=feature, customer=entitled.customer, used_date=LAST_MONTH)
    return entitled.customer


def use(feature, customer, **facts):
    return FeatureUsageDailyFactory(feature=feature, customer=customer, **facts)


@pytest.fixture
def customers(feature):
    """The specification's example: 17 of 25 adopted it; of five newer ones two began at once."""
    found = []
    for place in range(CUSTOMERS):
        is_late = place % LATE == 0
        enabled = TODAY - timedelta(days=60 if is_late else 200)
        customer = CustomerFactory(public_id=f"cust_{500 + place}")
        FeatureEntitlementFactory(feature=feature, customer=customer, enabled_date=enabled)
        SubscriptionFactory(customer=customer, seats=20)
        HealthSnapshotFactory(customer=customer, score=Decimal(55 + place + place % 3))
        wait_days = 5 if place < 2 * LATE else 30
        use(feature, customer, used_date=enabled + timedelta(days=wait_days))
        uses = 30 if place >= CUSTOMERS - ADOPTERS else 19
        use(feature, customer, uses=uses, users=4 + place % 8, errors=0, successes=uses - 1)
        found.append(customer)
    return found


def explained(api, path=PATH):
    return api.read(f"{path}?explain=true").json()["explanation"]


def measured(api):
    """Return value and sample size of each barrier test."""
    return {
        test["measure"]: (test["value"], test["sample_size"])
        for test in explained(api)["steps"]["tests"]
    }


# --- answer --------------------------------------------------------------------------------


def test_it_gives_the_specified_example(api, feature, customers):
    answer = api.read(PATH)

    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == ["adoption_rate", "health_correlation", "barriers", "recommendations"]
    assert body["adoption_rate"] == "68%"
    assert body["barriers"] == ["onboarding_friction"]
    assert body["recommendations"] == ["targeted_tutorial"]


def test_the_correlation_is_that_of_the_stored_facts(api, feature, customers):
    health = dict(HealthSnapshot.objects.values_list("customer_id", "score"))
    used = FeatureUsageDaily.objects.filter(used_date=YESTERDAY)
    pairs = [(float(row.users), float(health[row.customer_id])) for row in used]

    body = api.read(PATH).json()

    expected = np.corrcoef(np.array(pairs).T)[0, 1]
    assert body["health_correlation"] == pytest.approx(expected, abs=0.005)


def test_one_more_adopter_raises_the_rate(api, feature, customers):
    use(feature, customers[0], used_date=TODAY, uses=1, users=1, errors=0, successes=1)

    assert api.read(PATH).json()["adoption_rate"] == "72%"


@pytest.mark.parametrize(
    ("used_date", "rate"),
    [
        pytest.param(TODAY - timedelta(days=27), "72%", id="the window's first day"),
        pytest.param(TODAY - timedelta(days=28), "68%", id="the day before the window"),
    ],
)
def test_use_counts_for_28_days(api, feature, customers, used_date, rate):
    use(feature, customers[0], used_date=used_date, uses=1, users=1, errors=0, successes=1)

    assert api.read(PATH).json()["adoption_rate"] == rate


def test_another_features_use_changes_nothing(api, feature, customers):
    before = api.read(PATH).json()

    other = FeatureFactory()
    for customer in customers:
        FeatureEntitlementFactory(feature=other, customer=customer)
        use(other, customer, uses=500, users=15, errors=400, successes=0)
        FeatureRatingFactory(feature=other, customer=customer, rating=1)
        TrainingRecordFactory(feature=other, customer=customer, completed_pct=0)

    assert api.read(PATH).json() == before


@pytest.mark.parametrize(
    ("enabled_days_ago", "eligible"), [pytest.param(13, 25, id="13"), pytest.param(14, 26, id="14")]
)
def test_a_customer_counts_from_its_14th_day(api, feature, customers, enabled_days_ago, eligible):
    FeatureEntitlementFactory(
        feature=feature, enabled_date=TODAY - timedelta(days=enabled_days_ago)
    )

    assert explained(api)["steps"]["eligible"] == eligible


@pytest.mark.parametrize("status", [Customer.Status.CHURNED, Customer.Status.DELETED])
def test_customers_that_left_do_not_count(api, feature, customers, status):
    Customer.objects.filter(pk=customers[-1].pk).update(
        status=status, churned_date=date(2026, 5, 1)
    )

    steps = explained(api)["steps"]

    assert (steps["eligible"], steps["adopted"]) == (24, 16)


def test_an_ended_entitlement_does_not_count(api, feature, customers):
    FeatureEntitlement.objects.filter(customer=customers[-1]).update(ended_date=TODAY)

    assert explained(api)["steps"]["eligible"] == 24


# --- barriers ------------------------------------------------------------------------------


def test_late_starters_are_the_friction(api, feature, customers):
    assert measured(api)["first_use_share"] == (40, 5)

    FeatureEntitlement.objects.filter(enabled_date=TODAY - timedelta(days=60)).update(
        enabled_date=TODAY - timedelta(days=35)
    )

    # Their first use now comes before they were entitled: they knew the feature.
    assert measured(api)["first_use_share"] == (100, 5)
    assert "onboarding_friction" not in api.read(PATH).json()["barriers"]


def test_a_feature_that_is_not_opened_is_not_known(api, feature):
    FeatureEntitlementFactory.create_batch(3, feature=feature)
    give(feature)

    body = api.read(PATH).json()

    assert body["adoption_rate"] == "0%"
    assert set(body["barriers"]) == {"low_awareness", "usage_dropoff"}
    assert body["recommendations"][-2:] == ["adoption_campaign", "feedback_request"]


def test_the_latest_training_counts(api, feature):
    customer = give(feature)
    use(feature, customer)
    TrainingRecordFactory(feature=feature, customer=customer, completed_pct=90)
    assert "training_gap" not in api.read(PATH).json()["barriers"]

    TrainingRecordFactory(
        feature=feature,
        customer=customer,
        completed_pct=Decimal("69.99"),
        recorded_at="2026-06-10T09:00:00Z",
    )

    assert api.read(PATH).json()["barriers"] == ["training_gap"]
    assert api.read(PATH).json()["recommendations"] == ["training_content"]


def test_the_latest_rating_of_90_days_counts(api, feature):
    customer = give(feature)
    use(feature, customer)
    FeatureRatingFactory(
        feature=feature, customer=customer, rating=1, rated_at="2026-03-17T23:59:59Z"
    )
    assert measured(api)["mean_rating"] == (None, 0)

    FeatureRatingFactory(
        feature=feature, customer=customer, rating=Decimal("3.4"), rated_at="2026-03-18T00:00:00Z"
    )

    assert api.read(PATH).json()["barriers"] == ["low_value_perceived"]


@pytest.mark.parametrize(
    ("facts", "barriers"),
    [
        pytest.param({"errors": 4}, [], id="10% errors"),
        pytest.param({"errors": 5, "successes": 35}, ["technical_issues"], id="12.5% errors"),
        pytest.param({"integration_failures": 1}, ["technical_issues"], id="lost connection"),
        pytest.param({"successes": 31}, ["low_value_perceived"], id="77.5% successes"),
    ],
)
def test_errors_and_outcomes_are_those_of_the_window(api, feature, facts, barriers):
    customer = give(feature)
    use(feature, customer, **{"uses": 40, "errors": 0, "successes": 36, **facts})

    assert api.read(PATH).json()["barriers"] == barriers


# --- too little, retired -------------------------------------------------------------------


def test_nobody_entitled_gives_no_numbers(api, feature):
    answer = api.read(f"{PATH}?explain=true").json()
    explanation = answer.pop("explanation")

    assert answer == NOTHING
    assert explanation["sample_size"] == 0
    assert any("adoption_rate is null" in reason for reason in explanation["reasons"])
    assert any("health_correlation is null" in reason for reason in explanation["reasons"])


def test_nine_customers_with_health_are_too_few_for_a_correlation(api, feature, customers):
    HealthSnapshot.objects.exclude(customer__in=customers[:9]).delete()

    assert api.read(PATH).json()["health_correlation"] is None
    assert (
        "health_correlation is null: 9 customers have both values and 10 are needed."
        in explained(api)["reasons"]
    )


def test_health_sent_with_a_trigger_moves_nothing(api, feature, customers):
    before = api.read(PATH).json()

    for customer in customers:
        HealthSnapshotFactory(customer=customer, score=5, source=HealthSnapshot.Source.API_TRIGGER)

    assert api.read(PATH).json() == before


def test_a_retired_feature_shows_its_last_days(api, feature, customers):
    before = explained(api)
    feature.retired_date = TODAY
    feature.save()

    after = explained(api)

    assert after["steps"]["adopted"] == before["steps"]["adopted"] == ADOPTERS
    assert after["inputs"]["observed_on"] == YESTERDAY.isoformat()
    assert after["reasons"][-1] == (
        "The feature was retired on 2026-06-15: its last days are shown."
    )
    assert before["reasons"] == [
        "training_gap was not tested by training_completion: there was nothing to measure.",
        "low_value_perceived was not tested by mean_rating: there was nothing to measure.",
    ]


def test_entitlements_that_ended_with_the_feature_show_its_last_days_too(api, feature, customers):
    feature.retired_date = TODAY
    feature.save(update_fields=["retired_date"])
    before = api.read(PATH).json()
    FeatureEntitlement.objects.update(ended_date=TODAY)

    assert before["adoption_rate"] is not None
    assert api.read(PATH).json() == before


def test_a_planned_end_of_an_entitlement_has_not_come_yet(api, feature, customers):
    before = explained(api)
    planned = FeatureEntitlement.objects.filter(customer=customers[-1])
    planned.update(ended_date=TODAY + timedelta(days=60))
    FeatureEntitlementFactory(
        feature=feature, customer=customers[-1], enabled_date=TODAY + timedelta(days=60)
    )

    assert explained(api)["steps"] == before["steps"]


def test_a_feature_that_will_be_retired_is_not_retired(api, feature, customers):
    feature.retired_date = TODAY + timedelta(days=1)
    feature.save()

    assert explained(api)["inputs"]["observed_on"] == TODAY.isoformat()
    assert not any("retired" in reason for reason in explained(api)["reasons"])


# --- explanation, refusals, trail ----------------------------------------------------------


def test_it_explains_itself(api, feature, customers):
    explanation = explained(api)

    assert explanation["rule_id"] == "product.adoption"
    assert explanation["inputs"] == {
        "feature_id": "feat_101",
        "feature_slug": "email_warmup",
        "as_of": "2026-06-15",
        "observed_on": "2026-06-15",
        "window_start": "2026-05-19",
        "retired_date": None,
    }
    assert explanation["sample_size"] == CUSTOMERS
    steps = explanation["steps"]
    assert steps["segments"] == {"mid_market": {"eligible": 25, "adopted": 17, "rate": 68}}
    low, high = steps["correlation_interval"]
    assert low < steps["correlation_without_usage"] < high
    assert steps["correlation_without_usage_size"] == CUSTOMERS
    assert steps["tests"][0] == {
        "barrier": "onboarding_friction",
        "measure": "first_use_share",
        "value": 40,
        "limit": 60,
        "sample_size": LATE,
        "shortfall": pytest.approx(1 / 3),
    }


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/product/adoption/feat_404", id="unknown"),
        pytest.param("/product/adoption/cust_101", id="another kind of id"),
        pytest.param("/product/adoption/email_warmup", id="a slug"),
        pytest.param("/product/adoption/feat_101%0a", id="malformed"),
        pytest.param("/product/adoption/feat_%00", id="NUL"),
    ],
)
def test_an_unknown_feature_is_not_found(api, feature, path):
    answer = api.read(path)

    assert problem_of(answer) == (404, "not-found", [])
    assert answer.json()["detail"] == "There is no feature with this id."


def test_the_record_names_the_feature(api, feature):
    record = record_of(api.read(PATH))

    assert (record.operation, record.status) == ("product_adoption", 200)
    assert record.object_ids == ["feat_101"]


def test_reading_needs_the_read_scope(client_with, feature):
    assert client_with("cs-product.write").read(PATH).status_code == 403
    assert client_with("cs-product.read").read(PATH).status_code == 200
