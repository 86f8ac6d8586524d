"""GET /finance/realization/{contract_id}"""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from cs_integrations.customers.models import Customer
from finance.models import (
    AttributionEntry,
    AttributionPolicy,
    Commitment,
    Contract,
    CsCostMonthly,
    Delivery,
    OutcomeKind,
)
from product.models import FeatureEntitlement, FeatureUsageDaily
from tests.clients import problem_of, record_of
from tests.factories import TODAY, CustomerFactory
from tests.finance.factories import (
    STARTED,
    TWELVE_MONTHS,
    AttributionEntryFactory,
    AttributionPolicyFactory,
    CommitmentFactory,
    ContractFactory,
    CsCostMonthlyFactory,
    DeliveryFactory,
)
from tests.product.factories import (
    FeatureEntitlementFactory,
    FeatureFactory,
    FeatureUsageDailyFactory,
)

pytestmark = pytest.mark.django_db

PATH = "/finance/realization/ctr_123"
MAY = date(2026, 5, 11)


def use(contract, slug, *, bought, used, on=MAY):
    feature = FeatureFactory(slug=slug)
    FeatureEntitlementFactory(
        customer=contract.customer, feature=feature, contracted_qty=bought, enabled_date=STARTED
    )
    FeatureUsageDailyFactory(customer=contract.customer, feature=feature, used_date=on, users=used)


@pytest.fixture
def contract():
    """The specification's example: 102,000 of 100,000; 18 of 40 users; 141,600 for 12,000."""
    contract = ContractFactory(public_id="ctr_123")
    for committed, delivered in ((60_000, 66_000), (40_000, 36_000)):
        DeliveryFactory(
            commitment__contract=contract, commitment__committed_value=committed, value=delivered
        )
    use(contract, "feature_x", bought=40, used=18)
    use(contract, "core_analytics", bought=40, used=36)
    for month in TWELVE_MONTHS:
        CsCostMonthlyFactory(contract=contract, month=month)
    AttributionEntryFactory(contract=contract, amount=29_076)
    AttributionEntryFactory(
        contract=contract, occurred_date=date(2026, 1, 10), amount=Decimal("53354.40"), share=1
    )
    return contract


@pytest.fixture
def read(api):
    def read(path=PATH):
        answer = api.read(path)
        assert answer.status_code == 200, answer.content
        return answer.json()

    return read


@pytest.fixture
def explained(read):
    return lambda: read(f"{PATH}?explain=true")["explanation"]


def test_it_gives_the_specified_example(api, contract):
    answer = api.read(PATH)

    assert answer.status_code == 200
    assert list(answer.json().items()) == [
        ("delivery_vs_commit", "102%"),
        ("utilization_gaps", ["feature_x_45%"]),
        ("roi_trajectory", "11.8x_projected"),
    ]


# --- delivery ------------------------------------------------------------------------------


def test_reaching_a_milestone_shows_at_once(read):
    """ITP T4.2: 70,000 of 100,000, and 15,000 more."""
    contract = ContractFactory(public_id="ctr_123")
    commitment = CommitmentFactory(contract=contract)
    DeliveryFactory(commitment=commitment, value=70_000)
    assert read()["delivery_vs_commit"] == "70%"

    DeliveryFactory(commitment=commitment, value=15_000, delivered_date=TODAY)

    assert read()["delivery_vs_commit"] == "85%"


def test_a_delivery_of_tomorrow_does_not_count_yet(read, contract):
    Delivery.objects.update(delivered_date=TODAY + timedelta(days=1))

    assert read()["delivery_vs_commit"] == "0%"


def test_a_correction_takes_back_what_was_delivered(read, contract):
    wrong = Delivery.objects.get(value=66_000)
    DeliveryFactory(commitment=wrong.commitment, value=-6_000, corrects=wrong)

    assert read()["delivery_vs_commit"] == "96%"


def test_one_outcome_cannot_hide_the_others(read, explained, contract):
    Delivery.objects.filter(value=66_000).update(value=600_000)

    assert read()["delivery_vs_commit"] == "126%"  # (90,000 + 36,000) of 100,000
    assert "$510,000 delivered above 150% of what is due does not count." in " ".join(
        explained()["reasons"]
    )


def test_a_linear_commitment_falls_due_day_by_day(read):
    contract = ContractFactory(
        public_id="ctr_123", start_date=TODAY - timedelta(days=50), end_date=TODAY
    )
    DeliveryFactory(
        commitment=CommitmentFactory(
            linear=True, contract=contract, due_date=TODAY + timedelta(days=50)
        ),
        value=40_000,
        delivered_date=TODAY,
    )

    assert read()["delivery_vs_commit"] == "80%"  # 40,000 of 50,000


def test_what_another_contract_delivers_is_not_this_ones(read, contract):
    DeliveryFactory(commitment__contract=ContractFactory(customer=contract.customer, ended=True))

    assert read()["delivery_vs_commit"] == "102%"


# --- utilization ---------------------------------------------------------------------------


def test_gaps_are_listed_worst_first(read, contract):
    use(contract, "api_access", bought=10, used=1)

    assert read()["utilization_gaps"] == ["api_access_10%", "feature_x_45%"]


def test_a_feature_that_is_used_enough_is_no_gap(read, contract):
    FeatureUsageDaily.objects.filter(feature__slug="feature_x").update(users=24)  # 60%

    assert read()["utilization_gaps"] == []


def test_without_a_contracted_quantity_there_is_no_gap(read, explained, contract):
    FeatureEntitlement.objects.update(contracted_qty=None)

    assert read()["utilization_gaps"] == []
    assert explained()["reasons"] == [
        "No use of a contracted quantity is on record, so no gap is known."
    ]


def test_only_the_last_full_month_counts(read, contract):
    FeatureUsageDaily.objects.update(used_date=TODAY)

    assert read()["utilization_gaps"] == []


# --- return --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "trajectory"),
    [
        pytest.param(
            lambda: CsCostMonthly.objects.update(hours=8), "9.1x_projected", id="more hours"
        ),
        pytest.param(
            lambda: CsCostMonthly.objects.update(hourly_rate=150), "6.2x_projected", id="dearer"
        ),
        pytest.param(
            lambda: AttributionEntry.objects.update(amount=0), "0.0x_projected", id="no outcome"
        ),
        pytest.param(
            lambda: AttributionEntry.objects.filter(share=None).update(
                occurred_date=date(2026, 1, 10)
            ),
            "5.9x_projected",
            id="nothing of late",
        ),
        pytest.param(
            lambda: AttributionPolicyFactory(share=Decimal("0.3"), valid_from=date(2026, 1, 1)),
            "8.1x_projected",
            id="a lower share is agreed",
        ),
        pytest.param(
            lambda: Contract.objects.update(end_date=TODAY),
            "11.8x_projected",
            id="the last day: the actual return",
        ),
    ],
)
def test_the_return_follows_the_facts(read, contract, change, trajectory):
    change()

    assert read()["roi_trajectory"] == trajectory


def test_an_expansion_is_credited_by_the_documented_share(explained, contract):
    """ITP T4.1: of 10,000 dollars 6,000 are credited to Customer Success."""
    AttributionEntry.objects.all().delete()
    AttributionEntryFactory(contract=contract, amount=10_000)

    assert explained()["steps"]["outcome_to_date"] == 6_000


def test_other_outcomes_are_credited_by_agreement_only(explained, contract):
    AttributionEntry.objects.update(share=None, amount=10_000, kind=OutcomeKind.PROTECTED_REVENUE)
    explanation = explained()
    assert explanation["steps"]["outcome_to_date"] == 0
    assert explanation["reasons"] == ["No share was agreed for 2 of the outcomes."]

    AttributionPolicyFactory(kind=OutcomeKind.PROTECTED_REVENUE, share=Decimal("0.3"))

    assert explained()["steps"]["outcome_to_date"] == 6_000


# --- too little is known -------------------------------------------------------------------


def test_a_contract_that_has_not_started_answers_nothing(read, explained):
    ContractFactory(public_id="ctr_123", future=True)

    assert read() == {"delivery_vs_commit": None, "utilization_gaps": [], "roi_trajectory": None}
    assert explained()["reasons"] == [
        "The contract starts on 2026-06-16, so nothing is due yet.",
        "No gap is named while nothing is due.",
        "The contract starts on 2026-06-16, so there is no return yet.",
    ]


def test_while_nothing_is_due_there_is_no_percentage_and_no_gap(read, explained, contract):
    Delivery.objects.all().delete()
    Commitment.objects.update(due_date=TODAY + timedelta(days=1))

    answer = read()

    assert (answer["delivery_vs_commit"], answer["utilization_gaps"]) == (None, [])
    assert "No commitment is due yet." in explained()["reasons"]


def test_without_cost_there_is_no_return(read, explained, contract):
    CsCostMonthly.objects.all().delete()

    assert read()["roi_trajectory"] is None
    assert explained()["reasons"] == [
        "No month that is over has a CS cost, so there is no return on it."
    ]


def test_a_young_contract_is_marked_as_uncertain(explained):
    contract = ContractFactory(public_id="ctr_123", start_date=TODAY - timedelta(days=29))
    CsCostMonthlyFactory(contract=contract)

    explanation = explained()

    assert explanation["steps"]["is_low_confidence"] is True
    assert "Low confidence: the monthly outcome rests on 30 days." in explanation["reasons"]


# --- past contracts ------------------------------------------------------------------------


@pytest.mark.parametrize("trait", ["ended", "superseded", "terminated"])
def test_a_past_contract_answers_with_its_own_figures(read, explained, trait):
    contract = ContractFactory(public_id="ctr_123", **{trait: True})
    DeliveryFactory(
        commitment__contract=contract,
        commitment__due_date=contract.start_date + timedelta(days=90),
        value=90_000,
    )
    CsCostMonthlyFactory(contract=contract, month=contract.start_date)
    AttributionEntryFactory(contract=contract, share=1, occurred_date=contract.start_date)

    assert read() == {
        "delivery_vs_commit": "90%",
        "utilization_gaps": [],
        "roi_trajectory": "20.0x_projected",  # 10,000 for 500, and no month is left
    }
    assert explained()["steps"]["months_left"] == 0


# --- refusals, reasons, trail --------------------------------------------------------------


@pytest.mark.parametrize(
    "contract_id", ["ctr_404", "ctr_", "cust_123", "ctr_%00", "ctr_" + "1" * 99]
)
def test_an_unknown_contract_is_not_found(api, contract, contract_id):
    answer = api.read(f"/finance/realization/{contract_id}")

    assert problem_of(answer) == (404, "not-found", [])
    assert answer.json()["detail"] == "There is no contract with this id."


def test_a_contract_of_a_deleted_customer_is_not_found(api, contract):
    Customer.objects.update(status=Customer.Status.DELETED)

    assert api.read(PATH).status_code == 404


def test_a_customer_that_left_keeps_its_contracts(read):
    ContractFactory(public_id="ctr_123", customer=CustomerFactory(churned=True), ended=True)

    assert read()["delivery_vs_commit"] is None


def test_it_explains_itself(explained, contract):
    explanation = explained()

    assert explanation["rule_id"] == "finance.value_realization"
    assert explanation["inputs"] == {
        "contract_id": "ctr_123",
        "as_of": "2026-06-15",
        "start_date": "2025-06-01",
        "end_date": "2027-06-15",
        "closed_date": None,
        "status": "active",
        "months_with_cost": 12,
        "use_month": "2026-05-01",
    }
    steps = explanation["steps"]
    assert (steps["counted_value"], steps["due_value"]) == (102_000, 100_000)
    assert [row["counted"] for row in steps["commitments"]] == [66_000, 36_000]
    assert steps["features_measured"] == 2
    assert steps["features_under_threshold"] == {"feature_x": 45}
    assert steps["outcome_to_date"] == 70_800
    assert round(steps["outcome_monthly"]) == 5_900
    assert (steps["cost_to_date"], steps["cost_monthly"]) == (6_000, 500)
    assert steps["months_left"] == 12
    assert explanation["sample_size"] == 2
    assert explanation["reasons"] == []


def test_policies_of_the_past_stay_in_force_for_their_time(explained, contract):
    AttributionPolicyFactory(share=Decimal("0.5"), valid_from=TODAY)

    assert explained()["steps"]["outcome_to_date"] == 70_800
    assert AttributionPolicy.objects.count() == 1


def test_the_trail_names_the_contract(api, contract):
    record = record_of(api.read(PATH))

    assert record.object_ids == ["ctr_123"]
    assert record.customer_id == contract.customer.public_id
    assert (record.domain, record.operation) == ("finance", "finance_realization")
