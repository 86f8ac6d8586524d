"""GET /operations/capacity/forecast"""

from datetime import timedelta
from decimal import Decimal

import pytest

from cs_integrations.customers.models import Customer, HealthSnapshot, Segment
from operations.models import AccountSkillNeed, Csm, CsmSkill, Skill
from sales.models import Deal
from tests.clients import problem_of, record_of
from tests.factories import TODAY, CustomerFactory, HealthSnapshotFactory
from tests.operations.factories import (
    AbsenceFactory,
    AccountSkillNeedFactory,
    CsmFactory,
    CsmSkillFactory,
    SkillFactory,
)
from tests.sales.factories import DealFactory

pytestmark = pytest.mark.django_db

PATH = "/operations/capacity/forecast"
NEXT_90D = PATH + "?period=next_90d"
ENT, MID, SMALL = Segment.ENTERPRISE, Segment.MID_MARKET, Segment.SMALL_BUSINESS
SCORES = {"green": 90, "yellow": 70, "red": 40}
# How many accounts of each zone: enterprise, mid-market, small.
PORTFOLIO = {"green": (3, 9, 8), "yellow": (3, 6, 6), "red": (2, 4, 4)}
OPEN_DEALS = ((ENT, "0.9"), (MID, "0.5"), (SMALL, "0.5"), (SMALL, "0.5"))


def open_deal(segment, probability, *, closes_in=30):
    return DealFactory(
        open=True,
        segment=segment,
        close_probability=Decimal(probability),
        expected_close_date=TODAY + timedelta(days=closes_in),
    )


@pytest.fixture
def portfolio():
    """The specification's example: 45 accounts, three CSMs, one of them skilled enough."""
    for segment, probability in OPEN_DEALS:
        open_deal(segment, probability)
    customers = [
        CustomerFactory.build(segment=segment)
        for counts in PORTFOLIO.values()
        for segment, count in zip((ENT, MID, SMALL), counts, strict=True)
        for _ in range(count)
    ]
    zones = [zone for zone, counts in PORTFOLIO.items() for _ in range(sum(counts))]
    saved = Customer.objects.bulk_create(customers)
    HealthSnapshot.objects.bulk_create(
        HealthSnapshotFactory.build(customer=customer, score=Decimal(SCORES[zone]))
        for customer, zone in zip(saved, zones, strict=True)
    )
    skill = SkillFactory()
    AccountSkillNeed.objects.bulk_create(
        AccountSkillNeed(customer=customer, skill=skill, hours_share=1)
        for customer in saved
        if customer.segment == ENT
    )
    CsmSkillFactory(csm=CsmFactory(code="csm_senior"), skill=skill)
    CsmSkillFactory(csm=CsmFactory(code="csm_mid"), skill=skill, level=2)
    CsmFactory(code="csm_small")


def answer_of(response):
    assert response.status_code == 200
    return tuple(response.json().values())


def hours_of(api, path=PATH):
    return api.read(path + ("&" if "?" in path else "?") + "explain=true").json()["explanation"]


def test_it_gives_the_specified_example(api, portfolio):
    answer = api.read(NEXT_90D)

    assert answer.status_code == 200
    assert list(answer.json().items()) == [
        ("utilization_projection", "82%"),
        ("skill_gaps", ["enterprise_complexity"]),
        ("hiring_triggers", ["urgent"]),
    ]


def test_the_explanation_holds_the_hours_behind_it(api, portfolio):
    explanation = hours_of(api)

    assert explanation["rule_id"] == "operations.capacity_forecast"
    assert explanation["sample_size"] == 45
    assert explanation["inputs"]["start"] == TODAY.isoformat()
    assert explanation["inputs"]["end"] == (TODAY + timedelta(days=89)).isoformat()
    assert explanation["inputs"]["accounts"]["enterprise/green"] == 3
    steps = explanation["steps"]
    assert (steps["account_hours"], steps["onboarding_hours"]) == (766.56, 48)
    assert (steps["demand_hours"], steps["supply_hours"]) == (814.56, 993.6)
    assert steps["staff_hours"] == {"csm_senior": 331.2, "csm_mid": 331.2, "csm_small": 331.2}
    pool = steps["skill_pools"]["enterprise_complexity"]
    assert (pool["demand_hours"], pool["supply_hours"]) == (403.2, 331.2)
    assert explanation["reasons"] == [
        "More hours are needed than skilled staff can give: enterprise_complexity."
    ]


def test_without_a_period_it_is_ninety_days(api, portfolio):
    assert hours_of(api)["inputs"] == hours_of(api, NEXT_90D)["inputs"]


@pytest.mark.parametrize("days", [30, 60, 90, 180])
def test_a_period_counts_today_as_its_first_day(api, days):
    open_deal(ENT, "0.5", closes_in=0)
    open_deal(MID, "0.5", closes_in=days - 1)
    open_deal(SMALL, "0.5", closes_in=days)

    inputs = hours_of(api, f"{PATH}?period=next_{days}d")["inputs"]

    assert inputs["start"] == TODAY.isoformat()
    assert inputs["end"] == (TODAY + timedelta(days=days - 1)).isoformat()
    assert sorted(inputs["expected_wins"]) == [["enterprise", 0.5], ["mid_market", 0.5]]


# --- facts move the answer -----------------------------------------------------------------


def test_a_second_skilled_csm_closes_the_gap(api, portfolio):
    CsmSkill.objects.filter(csm__code="csm_mid").update(level=3)

    assert answer_of(api.read(PATH)) == ("82%", [], ["monitor"])


def test_a_csm_who_leaves_counts_to_the_last_day(api, portfolio):
    Csm.objects.filter(code="csm_small").update(active_to=TODAY + timedelta(days=44))

    assert answer_of(api.read(PATH))[0] == "98%"


def test_a_csm_who_joins_counts_from_the_first_day(api, portfolio):
    CsmFactory(active_from=TODAY + timedelta(days=45))

    assert answer_of(api.read(PATH))[0] == "70%"


def test_a_csm_who_has_left_counts_no_more(api, portfolio):
    CsmFactory(active_to=TODAY - timedelta(days=1))

    assert answer_of(api.read(PATH))[0] == "82%"


def test_a_long_absence_takes_its_own_days(api, portfolio):
    senior = Csm.objects.get(code="csm_senior")
    AbsenceFactory(csm=senior, start_date=TODAY, end_date=TODAY + timedelta(days=44))

    steps = hours_of(api)["steps"]

    assert steps["staff_hours"]["csm_senior"] == 180
    assert steps["skill_pools"]["enterprise_complexity"]["supply_hours"] == 180


def test_part_time_and_own_hours_count(api, portfolio):
    Csm.objects.filter(code="csm_small").update(fte=Decimal("0.5"), productive_hours=100)

    assert hours_of(api)["steps"]["staff_hours"]["csm_small"] == 138


def test_failing_health_takes_more_hours(api, portfolio):
    HealthSnapshot.objects.filter(score=90).update(score=40)

    assert int(answer_of(api.read(PATH))[0].rstrip("%")) > 82


def test_complexity_takes_more_hours(api, portfolio):
    Customer.objects.filter(segment=ENT).update(complexity=Decimal("1.5"))

    assert hours_of(api)["steps"]["account_hours"] == 766.56 + 201.6


def test_only_active_customers_take_hours(api, portfolio):
    Customer.objects.filter(segment=ENT).update(status="churned", churned_date=TODAY)

    utilization, gaps, hiring = answer_of(api.read(PATH))

    assert (utilization, gaps, hiring) == ("41%", [], [])


def test_expected_wins_must_be_onboarded(api, portfolio):
    Deal.objects.all().delete()

    assert hours_of(api)["steps"]["onboarding_hours"] == 0
    assert answer_of(api.read(PATH))[0] == "77%"


def test_what_a_caller_said_of_health_moves_nothing(api, portfolio):
    for customer in Customer.objects.all():
        HealthSnapshotFactory(customer=customer, source="api_trigger", score=Decimal(1))

    assert answer_of(api.read(PATH))[0] == "82%"


def test_a_skill_out_of_use_is_not_forecast(api, portfolio):
    Skill.objects.filter(code="enterprise_complexity").update(is_active=False)

    assert answer_of(api.read(PATH)) == ("82%", [], ["monitor"])


# --- too little to go by -------------------------------------------------------------------


def test_without_staff_there_is_no_percentage_and_all_skills_lack(api):
    CustomerFactory()

    utilization, gaps, hiring = answer_of(api.read(PATH))

    assert utilization is None
    assert gaps == sorted(Skill.objects.values_list("code", flat=True))
    assert hiring == ["urgent"]
    assert "No CSM is available in the period." in hours_of(api)["reasons"]


def test_without_accounts_nothing_is_demanded(api):
    open_deal(ENT, "0.9")

    assert answer_of(api.read(PATH)) == ("0%", [], [])
    assert "no active accounts" in hours_of(api)["reasons"][0]


def test_an_account_without_health_counts_once_and_is_told(api, portfolio):
    CustomerFactory(segment=SMALL)

    explanation = hours_of(api)

    assert explanation["steps"]["account_hours"] == 768.96
    assert explanation["inputs"]["accounts"]["small_business/unknown"] == 1
    assert "Accounts without computed health, counted with factor 1.0: 1." in explanation["reasons"]


def test_a_skill_that_nobody_has_is_a_gap(api):
    CsmFactory()
    AccountSkillNeedFactory(skill__code="deliverability", hours_share=Decimal("0.1"))

    assert answer_of(api.read(PATH)) == ("4%", ["deliverability"], ["urgent"])


# --- refusals and the trail ----------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "period=next_45d",
        "period=",
        "period=NEXT_90D",
        "period=90",
        "period=next_090d",
        "period=next_30d&period=next_90d",
    ],
)
def test_another_period_is_refused(api, query):
    answer = api.read(f"{PATH}?{query}")

    assert problem_of(answer) == (400, "validation-error", [("period", "unknown_code")])
    assert "next_30d, next_60d, next_90d, next_180d" in answer.json()["detail"]


def test_another_parameter_is_refused(api):
    assert problem_of(api.read(f"{PATH}?days=90")) == (
        400,
        "validation-error",
        [("days", "unknown")],
    )


def test_the_record_holds_the_period(api):
    record = record_of(api.read(NEXT_90D))

    assert (record.operation, record.query) == ("operations_capacity", "period=next_90d")
    assert record.object_ids == []
