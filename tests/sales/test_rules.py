"""The sales rules as docs/rules/sales.md states them. No database."""

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs_integrations.api.formats import annualized
from cs_integrations.parameters import DOC, PROPOSED, ParameterNote, describe
from sales import rules
from sales.rules import (
    PARAMETERS,
    EvidenceCode,
    Factor,
    FitRule,
    GapReason,
    Gate,
    HandoffItemCode,
    ItemKind,
    Kpi,
    PipelineSync,
    Sponsor,
    SponsorLevel,
    UsageMetric,
    Verdict,
)

CLOSED = datetime(2025, 11, 1, 9, tzinfo=UTC)
TODAY = date(2025, 11, 16)
POINTS = st.decimals(min_value=0, max_value=100, places=2)
MONEY = st.decimals(min_value=0, max_value=10**7, places=2)
MAIL = UsageMetric.MAIL_VOLUME


# --- parameters ----------------------------------------------------------------------------


@pytest.mark.parametrize("note", describe(PARAMETERS), ids=lambda note: str(note.name))
def test_every_constant_says_where_it_comes_from(note: ParameterNote) -> None:
    assert note.unit
    assert note.source
    assert note.standing in {DOC, PROPOSED}


@pytest.mark.parametrize(
    "weights",
    [
        ("value", "health", "capacity", "executive", "timing"),
        ("completeness", "timeliness", "accuracy", "follow_up"),
    ],
)
def test_weights_add_up_to_one(weights: tuple[str, ...]) -> None:
    assert sum(getattr(PARAMETERS, f"{name}_weight") for name in weights) == 1


@pytest.mark.parametrize("kpi", Kpi)
def test_every_kpi_has_a_range(kpi: Kpi) -> None:
    bounds = getattr(PARAMETERS, kpi)

    assert bounds.low < bounds.high
    assert str(bounds) == f"{bounds.low} to {bounds.high}"


# --- handoff: the request ------------------------------------------------------------------

DEAL = rules.DealFacts(deal_id="deal_123", customer_id=1, is_won=True)
PLAN = rules.PlanFacts(plan_id="sp_456", customer_id=1, bound_deal_id=None)
KPIS = {"nps_target": Decimal("8.5")}
DONE = rules.CompletedHandoff(plan_id="sp_456", baseline_kpis={"nps_target": Decimal("8.5000")})
BOUND = replace(PLAN, bound_deal_id="deal_123")


@pytest.mark.parametrize(
    ("deal", "plan", "kpis", "completed", "verdict"),
    [
        pytest.param(DEAL, PLAN, KPIS, None, Verdict.ACCEPTED, id="the specification's example"),
        pytest.param(DEAL, BOUND, KPIS, DONE, Verdict.REPEATED, id="same again, same number"),
        pytest.param(
            replace(DEAL, is_won=False), PLAN, KPIS, None, Verdict.DEAL_NOT_WON, id="deal not won"
        ),
        pytest.param(DEAL, None, KPIS, None, Verdict.PLAN_UNKNOWN, id="no such plan"),
        pytest.param(
            DEAL,
            replace(PLAN, customer_id=2),
            KPIS,
            None,
            Verdict.PLAN_OF_ANOTHER_CUSTOMER,
            id="a plan of somebody else",
        ),
        pytest.param(
            DEAL,
            replace(PLAN, bound_deal_id="deal_9"),
            KPIS,
            None,
            Verdict.PLAN_BOUND_TO_ANOTHER_DEAL,
            id="a plan completed another deal",
        ),
        pytest.param(
            DEAL,
            replace(PLAN, plan_id="sp_9"),
            KPIS,
            DONE,
            Verdict.BASELINES_FROZEN,
            id="another plan after completion",
        ),
        pytest.param(
            DEAL,
            BOUND,
            {"nps_target": Decimal(9)},
            DONE,
            Verdict.BASELINES_FROZEN,
            id="another value after completion",
        ),
        pytest.param(
            DEAL,
            BOUND,
            KPIS | {"csat_target": Decimal(4)},
            DONE,
            Verdict.BASELINES_FROZEN,
            id="one KPI more after completion",
        ),
    ],
)
def test_a_request_gets_its_verdict(
    deal: rules.DealFacts,
    plan: rules.PlanFacts | None,
    kpis: dict[str, Decimal],
    completed: rules.CompletedHandoff | None,
    verdict: Verdict,
) -> None:
    judgment = rules.judge_request(deal=deal, plan=plan, baseline_kpis=kpis, completed=completed)

    assert judgment.verdict is verdict
    assert bool(judgment.detail) is (verdict not in {Verdict.ACCEPTED, Verdict.REPEATED})


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("nps_target", "8.5", None),  # the specification's example
        ("nps_target", "0", None),  # ends are included
        ("nps_target", "10.01", "range"),
        ("nps_target", "NaN", "range"),  # not a number is in no range
        ("nps_target", "Infinity", "range"),
        ("csat_target", "1", None),
        ("csat_target", "0.99", "range"),
        ("adoption_target", "100", None),
        ("adoption_target", "-0.01", "range"),
        ("health_target", "80", None),
        ("roi_target", "50", None),
        ("roi_target", "50.1", "range"),
        ("time_to_value_days", "0", "range"),
        ("time_to_value_days", "365", None),
        ("active_users_target", "70", None),
        ("renewal_target", "0.9712", None),
        ("renewal_target", "0.97123", "precision"),  # finer than it could be stored
        ("renewal_target", "1.1", "range"),
        ("wishes", "1", "known"),
        ("quality_goal", "1", "known"),  # a parameter, but no KPI
    ],
)
def test_a_baseline_kpi_has_a_known_name_and_a_range(
    name: str, value: str, rule: str | None
) -> None:
    faults = rules.kpi_faults(baseline_kpis={name: Decimal(value)})

    assert [(fault.name, fault.rule) for fault in faults] == ([(name, rule)] if rule else [])


def test_at_least_one_kpi_is_needed() -> None:
    assert [fault.rule for fault in rules.kpi_faults(baseline_kpis={})] == ["required"]


def test_every_faulty_kpi_is_named_in_the_order_sent() -> None:
    sent = {"wishes": Decimal(1), "nps_target": Decimal(8), "csat_target": Decimal(9)}

    assert [fault.name for fault in rules.kpi_faults(baseline_kpis=sent)] == [
        "wishes",
        "csat_target",
    ]


# --- handoff: the package ------------------------------------------------------------------


def full_package() -> dict[HandoffItemCode, rules.HandoffItemFacts]:
    return {
        code: rules.HandoffItemFacts(code=code, content="written", is_verified=True)
        for code in HandoffItemCode
    }


def transition(
    items: Collection[rules.HandoffItemFacts],
    *,
    decision_makers: int = 1,
    sponsors: int = 1,
    is_won: bool = True,
    is_plan_approved: bool = True,
) -> rules.Transition:
    return rules.assess_transition(
        items=items,
        named_decision_makers=decision_makers,
        sponsors=sponsors,
        is_won=is_won,
        is_plan_approved=is_plan_approved,
    )


def test_a_full_package_completes_the_transition() -> None:
    result = transition(full_package().values())

    assert (result.is_complete, result.gaps, result.reasons) == (True, (), ())


@pytest.mark.parametrize("code", HandoffItemCode)
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (None, GapReason.ABSENT),
        ({"content": " \n"}, GapReason.EMPTY),
        ({"is_verified": False}, GapReason.UNVERIFIED),
    ],
)
def test_each_of_the_eight_items_can_be_a_gap(
    code: HandoffItemCode, change: dict[str, Any] | None, reason: GapReason
) -> None:
    package = full_package()
    item = package.pop(code)
    if change is not None:
        package[code] = replace(item, **change)

    result = transition(package.values())

    assert not result.is_complete
    assert [(gap.code, gap.reason) for gap in result.gaps] == [(code, reason)]
    assert result.reasons[0].startswith(code)


@pytest.mark.parametrize(
    ("people", "code", "reason"),
    [
        ({"decision_makers": 0}, "champion_mapping", GapReason.NO_DECISION_MAKER),
        ({"sponsors": 0}, "executive_relationships", GapReason.NO_SPONSOR),
    ],
)
def test_a_map_of_people_needs_people(people: dict[str, Any], code: str, reason: GapReason) -> None:
    result = transition(full_package().values(), **people)

    assert [(gap.code, gap.reason) for gap in result.gaps] == [(code, reason)]


def test_an_empty_package_lists_all_items_in_the_order_of_the_maps() -> None:
    result = transition([], decision_makers=0, sponsors=0)

    assert [gap.code for gap in result.gaps] == list(HandoffItemCode)
    assert {gap.reason for gap in result.gaps} == {GapReason.ABSENT}


@pytest.mark.parametrize("lacking", ["is_won", "is_plan_approved"])
def test_without_gaps_deal_and_plan_still_decide(lacking: str) -> None:
    result = transition(full_package().values(), **{lacking: False})

    assert (result.is_complete, result.gaps, len(result.reasons)) == (False, (), 1)


# --- handoff: pipeline sync, quality, deadline ------------------------------------------------

CRM = rules.CrmCopy(is_won=True, amount=Decimal(100_000), is_owner_csm=True)
CONTRACT = rules.ContractAmount(contract_id="ctr_1", annual_value=Decimal(100_000))


@pytest.mark.parametrize(
    ("crm", "contract_id", "contract", "state"),
    [
        pytest.param(CRM, "ctr_1", CONTRACT, PipelineSync.CONFIRMED, id="all agree"),
        pytest.param(
            replace(CRM, amount=Decimal(101_000)),
            "ctr_1",
            CONTRACT,
            PipelineSync.CONFIRMED,
            id="1% over",
        ),
        pytest.param(
            replace(CRM, amount=Decimal(99_000)),
            "ctr_1",
            CONTRACT,
            PipelineSync.CONFIRMED,
            id="1% under",
        ),
        pytest.param(
            replace(CRM, amount=Decimal("101000.01")),
            "ctr_1",
            CONTRACT,
            PipelineSync.CONFLICT,
            id="a cent more than 1%",
        ),
        pytest.param(
            replace(CRM, amount=None), "ctr_1", CONTRACT, PipelineSync.CONFLICT, id="no CRM amount"
        ),
        pytest.param(
            replace(CRM, is_won=False), "ctr_1", CONTRACT, PipelineSync.CONFLICT, id="open in CRM"
        ),
        pytest.param(
            replace(CRM, is_owner_csm=False),
            "ctr_1",
            CONTRACT,
            PipelineSync.CONFLICT,
            id="still owned by sales",
        ),
        pytest.param(CRM, "ctr_2", CONTRACT, PipelineSync.CONFLICT, id="another contract runs"),
        pytest.param(CRM, "", CONTRACT, PipelineSync.PENDING, id="deal without contract"),
        pytest.param(CRM, "ctr_1", None, PipelineSync.PENDING, id="contract not in force"),
        pytest.param(
            replace(CRM, is_won=False), "", None, PipelineSync.PENDING, id="pending beats conflict"
        ),
        pytest.param(
            CRM,
            "ctr_1",
            replace(CONTRACT, annual_value=Decimal(0)),
            PipelineSync.CONFLICT,
            id="amount against a free contract",
        ),
        pytest.param(
            replace(CRM, amount=Decimal(0)),
            "ctr_1",
            replace(CONTRACT, annual_value=Decimal(0)),
            PipelineSync.CONFIRMED,
            id="both free",
        ),
    ],
)
def test_the_pipeline_is_in_sync_when_crm_and_contract_agree(
    crm: rules.CrmCopy, contract_id: str, contract: rules.ContractAmount | None, state: PipelineSync
) -> None:
    reading = rules.pipeline_sync(crm=crm, deal_contract_id=contract_id, current_contract=contract)

    assert reading.state is state
    assert bool(reading.reasons) is (state is not PipelineSync.CONFIRMED)


def test_the_amount_of_another_contract_is_not_compared() -> None:
    reading = rules.pipeline_sync(
        crm=CRM,
        deal_contract_id="ctr_2",
        current_contract=replace(CONTRACT, annual_value=Decimal(1)),
    )

    assert reading.difference_pct is None
    assert reading.reasons == ("The deal's contract is not the customer's current one.",)


@pytest.mark.parametrize(
    ("completed_after", "now_after", "points"),
    [
        (timedelta(days=7), timedelta(days=30), Decimal(100)),  # on the last moment
        (timedelta(days=7, seconds=1), timedelta(days=30), Decimal(90)),  # a started day
        (timedelta(days=9), timedelta(days=30), Decimal(80)),
        (timedelta(days=40), timedelta(days=60), Decimal(0)),  # never below 0
        (None, timedelta(days=7), None),  # open and not due: nothing to judge
        (None, timedelta(days=10), Decimal(70)),  # open and overdue
    ],
)
def test_timeliness_falls_with_each_started_day_after_the_deadline(
    completed_after: timedelta | None, now_after: timedelta, points: Decimal | None
) -> None:
    assert rules.handoff_deadline(closed_at=CLOSED) == CLOSED + timedelta(days=7)
    assert points == rules.timeliness_points(
        closed_at=CLOSED,
        completed_at=CLOSED + completed_after if completed_after else None,
        at=CLOSED + now_after,
    )


def test_quality_is_the_weighted_mean_of_its_parts() -> None:
    quality = rules.handoff_quality(
        gap_count=2, timeliness=Decimal(90), accuracy=Decimal(100), follow_up=Decimal(50)
    )

    assert quality.completeness == 75
    assert quality.score == Decimal("80.00")  # 75*.30 + 90*.25 + 100*.25 + 50*.20
    assert not quality.meets_goal


def test_an_unknown_part_of_quality_is_left_out_not_made_up() -> None:
    quality = rules.handoff_quality(gap_count=0, timeliness=None, accuracy=None, follow_up=None)

    assert quality.score == 100
    assert quality.meets_goal
    assert len(quality.reasons) == 3


@given(gaps=st.integers(0, 7), parts=st.tuples(POINTS, POINTS, POINTS))
def test_one_gap_more_never_raises_quality(
    gaps: int, parts: tuple[Decimal, Decimal, Decimal]
) -> None:
    known: dict[str, Any] = dict(zip(("timeliness", "accuracy", "follow_up"), parts, strict=True))
    fewer = rules.handoff_quality(gap_count=gaps, **known)
    more = rules.handoff_quality(gap_count=gaps + 1, **known)

    assert 0 <= more.score < fewer.score <= 100


# --- capacity ------------------------------------------------------------------------------


def use(
    month: int, used: int, limit: int | None = 100, metric: UsageMetric = UsageMetric.SEATS
) -> rules.MonthlyUse:
    return rules.MonthlyUse(month=date(2025, month, 1), metric=metric, used=used, limit=limit)


def capacity(
    *uses: rules.MonthlyUse, seats: int | None = None, as_of: date = TODAY
) -> Decimal | None:
    limits = rules.limit_uses(uses=uses, subscribed_seats=seats, as_of=as_of)
    score = rules.capacity_score(limits=limits)
    return score.points if score else None


@pytest.mark.parametrize(
    ("uses", "seats", "points"),
    [
        pytest.param([use(9, 85), use(10, 85)], None, 100, id="85% two months running"),
        pytest.param([use(9, 84), use(10, 85)], None, 85, id="85% for one month only"),
        pytest.param([use(10, 99)], None, 85, id="the month before is not recorded"),
        pytest.param([use(8, 90), use(10, 90)], None, 85, id="a hole is not two running"),
        pytest.param([use(9, 80), use(10, 80)], None, 85, id="80%"),
        pytest.param([use(9, 79), use(10, 79)], None, 60, id="79%"),
        pytest.param([use(9, 60), use(10, 60)], None, 60, id="60%"),
        pytest.param([use(9, 59), use(10, 59)], None, 30, id="59%"),
        pytest.param([use(9, 50), use(10, 61)], None, 70, id="22% growth adds 10"),
        pytest.param([use(9, 50), use(10, 60)], None, 60, id="20% growth is not more than 20%"),
        pytest.param([use(9, 90), use(10, 120)], None, 100, id="growth cannot pass 100"),
        pytest.param([use(9, 0), use(10, 90)], None, 85, id="growth from nothing is not known"),
        pytest.param(
            [use(9, 30), use(10, 30), use(9, 88, metric=MAIL), use(10, 90, metric=MAIL)],
            None,
            100,
            id="the nearest limit counts",
        ),
        pytest.param(
            [use(9, 45, None), use(10, 45, None), use(10, 999_999, None, MAIL)],
            50,
            100,
            id="unlimited plan: the subscription's seats",
        ),
        pytest.param(
            [use(9, 50), use(10, 70), use(9, 70, metric=MAIL), use(10, 70, metric=MAIL)],
            None,
            70,
            id="of two equally near the growing one",
        ),
        pytest.param([use(10, 9, None, MAIL)], 50, None, id="unlimited mails say nothing"),
        pytest.param([use(10, 45, None)], None, None, id="unlimited, no subscription"),
        pytest.param([use(10, 45, 0)], None, None, id="a limit of 0 measures nothing"),
        pytest.param([use(8, 90), use(9, 90), use(11, 5)], None, 100, id="this month is not over"),
        pytest.param([use(7, 90), use(8, 90)], None, None, id="older use says nothing"),
        pytest.param([use(11, 99)], None, None, id="only the running month"),
        pytest.param([], None, None, id="no use recorded"),
    ],
)
def test_capacity_scores_the_limit_nearest_to_being_reached(
    uses: list[rules.MonthlyUse], seats: int | None, points: int | None
) -> None:
    assert capacity(*uses, seats=seats) == points


@pytest.mark.parametrize(
    ("as_of", "oldest"),
    [
        (date(2026, 6, 15), date(2026, 3, 1)),
        (date(2026, 3, 31), date(2025, 12, 1)),
        (date(2026, 1, 1), date(2025, 10, 1)),
    ],
)
def test_capacity_looks_back_to_the_month_before_the_oldest_allowed_one(
    as_of: date, oldest: date
) -> None:
    assert rules.oldest_use_needed(as_of=as_of) == oldest


def test_two_months_run_on_over_the_end_of_a_year() -> None:
    december = replace(use(12, 90), month=date(2024, 12, 31))

    assert capacity(december, use(1, 90), as_of=date(2025, 2, 28)) == 100


@given(st.integers(0, 200), st.integers(0, 200))
def test_more_use_at_a_steady_level_never_lowers_capacity(one: int, other: int) -> None:
    fewer, more = sorted((one, other))
    low, high = capacity(use(9, fewer), use(10, fewer)), capacity(use(9, more), use(10, more))

    assert low is not None
    assert high is not None
    assert 30 <= low <= high <= 100


# --- readiness -----------------------------------------------------------------------------


def capacity_at(points: int | Decimal) -> rules.CapacityScore:
    nearest = rules.LimitUse(
        metric=UsageMetric.SEATS,
        used=9,
        limit=10,
        pct=Decimal(90),
        months_at_full=2,
        growth_pct=Decimal(0),
    )
    return rules.CapacityScore(points=Decimal(points), nearest=nearest, is_growing=False)


DEMO = rules.ReadinessFacts(
    is_churned=False,
    delivery_pct=Decimal(104),
    health=Decimal(76),
    capacity=capacity_at(100),
    sponsors=(Sponsor(level=SponsorLevel.C_LEVEL, nps=8),),
    days_to_renewal=110,
    has_payment_trouble=False,
    highest_open_escalation=None,
)
NOTHING = replace(
    DEMO, delivery_pct=None, health=None, capacity=None, sponsors=None, days_to_renewal=None
)


def readiness(**changes: Any) -> rules.Readiness:
    return rules.expansion_readiness(facts=replace(DEMO, **changes))


def test_the_demo_account_is_25_and_19_and_25_and_12_75_and_10() -> None:
    result = readiness()

    parts = {item.factor: item.points * item.weight for item in result.factors}
    assert parts == {
        Factor.VALUE: Decimal(25),
        Factor.HEALTH: Decimal(19),
        Factor.CAPACITY: Decimal(25),
        Factor.EXECUTIVE: Decimal("12.75"),
        Factor.TIMING: Decimal(10),
    }
    assert result.weighted_mean == Decimal("91.75")
    assert result.score == 92
    assert result.reasons == ()


def test_the_documented_check_value_gives_the_same_92() -> None:
    """100*.25 + 88*.25 + 100*.25 + 85*.15 + 70*.10 is 91.75."""
    result = readiness(health=Decimal(88), days_to_renewal=200)

    assert result.weighted_mean == Decimal("91.75")
    assert result.score == 92


@pytest.mark.parametrize(
    ("pct", "points"), [("100", 100), ("99.99", 70), ("80", 70), ("79.99", 30), ("0", 30)]
)
def test_value_realized_has_three_bands(pct: str, points: int) -> None:
    assert rules.value_points(delivery_pct=Decimal(pct)) == points


@pytest.mark.parametrize(
    ("days", "points"),
    [(-5, 50), (0, 50), (59, 50), (60, 100), (120, 100), (121, 70), (270, 70), (271, 40)],
)
def test_timing_is_best_two_to_four_months_before_the_renewal(days: int, points: int) -> None:
    assert rules.timing_points(days_to_renewal=days) == points


@pytest.mark.parametrize(
    ("sponsors", "points"),
    [
        pytest.param([("c_level", 9)], 100, id="C level, promoter"),
        pytest.param([("c_level", 8)], 85, id="C level, passive"),
        pytest.param([("c_level", 6)], 65, id="C level, detractor"),
        pytest.param([("vp", 7)], 70, id="VP, passive"),
        pytest.param([("manager", 0)], 30, id="manager, detractor"),
        pytest.param([("vp", None)], 70, id="no answer: the level alone"),
        pytest.param([("vp", 10), ("c_level", 7)], 85, id="the most senior counts"),
        pytest.param([("vp", 10), ("vp", 5)], 50, id="among equals the least happy"),
        pytest.param([("vp", None), ("vp", 10)], 85, id="among equals one who answered"),
        pytest.param([], 30, id="nobody sponsors: the lowest band"),
    ],
)
def test_executive_readiness_is_level_and_nps(
    sponsors: list[tuple[str, int | None]], points: int
) -> None:
    people = [Sponsor(level=SponsorLevel(level), nps=nps) for level, nps in sponsors]

    assert rules.executive_points(sponsors=people) == points


@pytest.mark.parametrize(
    ("changes", "score", "gates"),
    [
        pytest.param({"health": Decimal("59.99")}, 40, [Gate.RED_ZONE], id="red zone"),
        pytest.param({"health": Decimal(60)}, 88, [], id="yellow is no gate"),
        pytest.param({"has_payment_trouble": True}, 60, [Gate.PAYMENT_TROUBLE], id="late payment"),
        pytest.param({"highest_open_escalation": 3}, 50, [Gate.OPEN_ESCALATION], id="leadership"),
        pytest.param({"highest_open_escalation": 2}, 92, [], id="tier 2 is daily work"),
        pytest.param(
            {"has_payment_trouble": True, "highest_open_escalation": 4, "health": Decimal(45)},
            40,
            [Gate.RED_ZONE, Gate.OPEN_ESCALATION, Gate.PAYMENT_TROUBLE],
            id="the lowest cap wins",
        ),
    ],
)
def test_gates_hold_readiness_down(changes: dict[str, Any], score: int, gates: list[Gate]) -> None:
    result = readiness(**changes)

    assert result.score == score
    assert [gate.gate for gate in result.gates] == gates
    assert len(result.reasons) == len(gates)


def test_a_gate_at_the_very_score_caps_nothing() -> None:
    result = readiness(
        delivery_pct=Decimal(80),
        health=Decimal(60),
        capacity=capacity_at(54),
        sponsors=None,
        days_to_renewal=30,
        has_payment_trouble=True,
    )

    assert result.weighted_mean == 60
    assert [gate.gate for gate in result.gates] == [Gate.PAYMENT_TROUBLE]
    assert result.reasons == ("Factor executive is not known.",)


def test_a_gate_never_lifts_a_low_score() -> None:
    low = readiness(
        delivery_pct=Decimal(0),
        health=Decimal(30),
        capacity=capacity_at(30),
        sponsors=(),
        days_to_renewal=400,
    )

    assert low.score == 31
    assert low.reasons == ()


def test_a_missing_factor_is_left_out_and_the_weights_are_renormalized() -> None:
    result = readiness(delivery_pct=None)

    points, weights = [76, 100, 85, 100], [0.25, 0.25, 0.15, 0.10]
    assert result.weighted_mean is not None
    assert float(result.weighted_mean) == pytest.approx(np.average(points, weights=weights))
    assert result.reasons == ("Factor value is not known.",)


def test_fewer_than_three_factors_give_no_score() -> None:
    two = replace(NOTHING, health=Decimal(90), days_to_renewal=90)
    result = rules.expansion_readiness(facts=two)

    assert (result.score, result.weighted_mean, len(result.factors)) == (None, None, 2)
    assert result.reasons[-1] == "Readiness needs 3 known factors, 2 are."
    assert rules.expansion_readiness(facts=replace(two, delivery_pct=Decimal(100))).score == 96


def test_a_churned_customer_scores_0() -> None:
    assert readiness(is_churned=True).score == 0


@pytest.mark.parametrize(
    ("score", "acts"), [(Decimal(81), True), (Decimal(80), False), (None, False)]
)
def test_sales_acts_above_80(score: Decimal | None, acts: bool) -> None:
    assert rules.is_ready(score=score) is acts


facts = st.builds(
    rules.ReadinessFacts,
    is_churned=st.booleans(),
    delivery_pct=st.none() | st.decimals(min_value=0, max_value=1000, places=2),
    health=st.none() | POINTS,
    capacity=st.none() | st.builds(capacity_at, POINTS),
    sponsors=st.none()
    | st.lists(
        st.builds(Sponsor, level=st.sampled_from(SponsorLevel), nps=st.none() | st.integers(0, 10)),
        max_size=3,
    ).map(tuple),
    days_to_renewal=st.none() | st.integers(-400, 2000),
    has_payment_trouble=st.booleans(),
    highest_open_escalation=st.none() | st.integers(1, 4),
)


@given(facts)
def test_readiness_is_a_whole_number_from_0_to_100_or_not_known(
    known: rules.ReadinessFacts,
) -> None:
    result = rules.expansion_readiness(facts=known)

    if result.score is None:
        assert len(result.factors) < 3
    else:
        assert 0 <= result.score <= 100
        assert result.score == result.score.to_integral_value()
        assert all(result.score <= gate.cap for gate in result.gates)


@given(facts, POINTS, POINTS)
def test_better_health_never_lowers_readiness(
    known: rules.ReadinessFacts, one: Decimal, other: Decimal
) -> None:
    low, high = sorted((one, other))
    worse = rules.expansion_readiness(facts=replace(known, health=low))
    better = rules.expansion_readiness(facts=replace(known, health=high))

    if worse.score is None or better.score is None:
        assert worse.score is better.score
    else:
        assert worse.score <= better.score


# --- value portfolio -----------------------------------------------------------------------


def row(code: str, days_ago: int, milestone: str = "") -> rules.Evidence:
    day = TODAY - timedelta(days=days_ago)
    return rules.Evidence(code=EvidenceCode(code), achieved_date=day, milestone_code=milestone)


YELLOW = rules.HealthHistory(
    lowest=Decimal(74), measurements=90, first_measured_date=date(2025, 5, 1)
)
GREEN = replace(YELLOW, lowest=Decimal(80))
PROVEN = rules.PortfolioFacts(
    is_churned=False,
    realized_value=Decimal(390_000),
    fees_paid=Decimal(100_000),
    roi_target=Decimal(4),
    health=YELLOW,
    evidence=(row("roi_demonstrated", 20),),
)


def codes(**changes: Any) -> list[str]:
    portfolio = rules.value_portfolio(facts=replace(PROVEN, **changes), as_of=TODAY)
    return [item.code for item in portfolio.items]


def test_the_demo_account_shows_a_return_of_three_and_nothing_else() -> None:
    assert codes() == ["3x_roi_demonstrated"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"realized_value": Decimal(399_999)}, ["3x_roi_demonstrated"], id="floor"),
        pytest.param(
            {"realized_value": Decimal(200_000), "evidence": ()},
            ["2x_roi_demonstrated"],
            id="from 2",
        ),
        pytest.param({"realized_value": Decimal(199_999)}, [], id="under 2, whatever a row says"),
        pytest.param({"fees_paid": Decimal(0)}, [], id="no fees, no multiple"),
        pytest.param({"realized_value": None}, [], id="no deliveries known"),
        pytest.param(
            {"roi_target": Decimal("3.9")},
            ["achieved_roi_target", "3x_roi_demonstrated"],
            id="target",
        ),
        pytest.param({"roi_target": None}, ["3x_roi_demonstrated"], id="no target agreed"),
        pytest.param({"roi_target": Decimal(0)}, ["3x_roi_demonstrated"], id="a target of 0"),
        pytest.param(
            {"health": GREEN}, ["health_sustained_90d", "3x_roi_demonstrated"], id="green 90 days"
        ),
        pytest.param(
            {"health": replace(GREEN, first_measured_date=TODAY - timedelta(days=89))},
            ["3x_roi_demonstrated"],
            id="a history of 89 days",
        ),
        pytest.param(
            {"health": replace(GREEN, first_measured_date=TODAY - timedelta(days=90))},
            ["health_sustained_90d", "3x_roi_demonstrated"],
            id="a history of 90 days",
        ),
        pytest.param(
            {"health": replace(GREEN, measurements=12)},
            ["3x_roi_demonstrated"],
            id="measured too seldom",
        ),
        pytest.param({"health": None}, ["3x_roi_demonstrated"], id="health not measured"),
        pytest.param({"is_churned": True, "health": GREEN}, [], id="churned"),
        pytest.param(
            {"evidence": (row("customer_testimonial", -1),), "fees_paid": None}, [], id="tomorrow's"
        ),
    ],
)
def test_the_portfolio_holds_what_is_proven(changes: dict[str, Any], expected: list[str]) -> None:
    assert codes(**changes) == expected


def test_the_portfolio_is_newest_first_and_names_each_code_once() -> None:
    evidence = (
        row("milestone", 40, "renewal_achieved"),
        row("customer_testimonial", 300),
        row("reference_customer", 5),
        row("customer_testimonial", 10),
        row("executive_sponsorship", 5),
        row("roi_demonstrated", 30),
        row("expansion_requested_by_customer", 0),
        row("milestone", 41, "first_value_achieved"),
    )

    assert codes(evidence=evidence, health=GREEN) == [
        "health_sustained_90d",
        "expansion_requested_by_customer",
        "executive_sponsorship",
        "reference_customer",
        "customer_testimonial",
        "3x_roi_demonstrated",
        "milestone_renewal_achieved",
        "milestone_first_value_achieved",
    ]


evidence_rows = st.lists(
    st.builds(
        row, st.sampled_from([c for c in EvidenceCode if c != "milestone"]), st.integers(-9, 99)
    )
)


@given(evidence_rows, st.randoms())
def test_the_order_of_the_rows_does_not_matter(
    evidence: list[rules.Evidence], random: Random
) -> None:
    shuffled = random.sample(evidence, len(evidence))
    portfolio = rules.value_portfolio(facts=replace(PROVEN, evidence=tuple(evidence)), as_of=TODAY)
    days = [item.evidence_date for item in portfolio.items]

    assert codes(evidence=tuple(evidence)) == codes(evidence=tuple(shuffled))
    assert days == sorted(days, reverse=True)


# --- white space -----------------------------------------------------------------------------

BUSINESS = rules.SubscriptionFacts(
    monthly_price=Decimal(149),
    next_tier_price=Decimal(399),
    seat_price=Decimal(15),
    seats=5,
    plan_seats=5,
    eligible_users=9,
    workspace_price=Decimal(20),
    workspaces=10,
    plan_workspaces=10,
    business_units=12,
)
DEDICATED_IP = rules.OpenItem(
    name="dedicated_ip",
    kind=ItemKind.ADD_ON,
    monthly_value=Decimal(50),
    fit_rule=FitRule.MAIL_VOLUME_OVER_LIMIT,
    is_owned=False,
)
QUOTE = replace(
    DEDICATED_IP, kind=ItemKind.QUOTED, monthly_value=Decimal(12_500), fit_rule=FitRule.ALWAYS
)
AT_LIMIT = rules.limit_uses(uses=[use(10, 100, 100, MAIL)], subscribed_seats=5, as_of=TODAY)
OVER = rules.limit_uses(
    uses=[use(10, 101, 100, MAIL), use(10, 5, 5)], subscribed_seats=5, as_of=TODAY
)


def open_value(
    *,
    segment: str = "mid_market",
    subscription: rules.SubscriptionFacts | None = BUSINESS,
    items: Collection[rules.OpenItem] = (),
    limits: Collection[rules.LimitUse] = (),
) -> rules.WhiteSpace:
    return rules.open_white_space(
        segment=segment, subscription=subscription, items=items, limits=limits
    )


def test_the_demo_account_has_quoted_items_of_150k_a_year() -> None:
    quotes = [
        replace(QUOTE, monthly_value=Decimal(7_500)),
        replace(QUOTE, monthly_value=Decimal(5_000)),
    ]
    found = open_value(segment="enterprise", items=quotes)

    assert annualized(found.total) == "$150k_annualized"


def test_list_prices_add_up_over_tier_seats_workspaces_and_fitting_items() -> None:
    found = open_value(items=[DEDICATED_IP], limits=OVER)

    assert [found.tier, found.seats, found.workspaces] == [3_000, 720, 480]
    assert found.items == (("dedicated_ip", Decimal(600)),)
    assert annualized(found.total) == "$4.8k_annualized"


@pytest.mark.parametrize(
    ("changes", "total"),
    [
        pytest.param({}, 4_200, id="tier, seats and workspaces"),
        pytest.param({"next_tier_price": None}, 1_200, id="top tier"),
        pytest.param({"next_tier_price": Decimal(99)}, 1_200, id="pays more than the next tier"),
        pytest.param({"eligible_users": 3}, 3_480, id="more seats than people"),
        pytest.param({"plan_seats": None}, 3_480, id="seats are unlimited"),
        pytest.param({"business_units": 1}, 3_720, id="more workspaces than units"),
        pytest.param({"plan_workspaces": None}, 3_720, id="workspaces are unlimited"),
    ],
)
def test_nothing_open_is_ever_negative(changes: dict[str, Any], total: int) -> None:
    assert open_value(subscription=replace(BUSINESS, **changes)).total == total


@pytest.mark.parametrize(
    ("segment", "item", "limits", "counts"),
    [
        pytest.param("mid_market", DEDICATED_IP, OVER, True, id="over the limit"),
        pytest.param("mid_market", DEDICATED_IP, AT_LIMIT, False, id="at the limit, not over"),
        pytest.param("mid_market", DEDICATED_IP, (), False, id="use not known"),
        pytest.param("mid_market", replace(DEDICATED_IP, is_owned=True), OVER, False, id="owned"),
        pytest.param(
            "mid_market",
            replace(DEDICATED_IP, fit_rule=FitRule.SEATS_IN_FULL_USE),
            OVER,
            True,
            id="all seats in use",
        ),
        pytest.param("mid_market", QUOTE, OVER, False, id="quotes are for enterprise"),
        pytest.param("enterprise", QUOTE, (), True, id="a quoted item"),
        pytest.param("enterprise", DEDICATED_IP, OVER, False, id="no list prices for enterprise"),
        pytest.param("enterprise", replace(QUOTE, is_owned=True), (), False, id="bought already"),
    ],
)
def test_an_item_counts_when_it_is_open_and_fits(
    segment: str, item: rules.OpenItem, limits: Collection[rules.LimitUse], counts: bool
) -> None:
    assert bool(open_value(segment=segment, items=[item], limits=limits).items) is counts


@pytest.mark.parametrize("segment", ["enterprise", "small_business"])
def test_without_a_plan_there_is_no_white_space(segment: str) -> None:
    found = open_value(segment=segment, subscription=None, items=[QUOTE, DEDICATED_IP], limits=OVER)

    assert annualized(found.total) == "$0_annualized"
    assert found.reasons


@given(MONEY, MONEY, st.integers(0, 999), st.integers(0, 999))
def test_white_space_is_never_negative_and_grows_with_the_people(
    price: Decimal, step: Decimal, seats: int, people: int
) -> None:
    has = replace(BUSINESS, monthly_price=price, next_tier_price=step, seats=seats)
    fewer = open_value(subscription=replace(has, eligible_users=people))
    more = open_value(subscription=replace(has, eligible_users=people + 1))

    assert 0 <= fewer.total <= more.total
