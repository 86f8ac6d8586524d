"""Handoff request and package, as docs/rules/sales.md states them. No database."""

from collections.abc import Collection
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from sales import rules
from sales.rules import GapReason, HandoffItemCode, Verdict

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
        ("wishes", "1", "unknown_member"),
        ("quality_goal", "1", "unknown_member"),  # a parameter, but no KPI
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
