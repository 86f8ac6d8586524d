"""The return on CS cost, read as a specification: docs/rules/finance.md."""

import dataclasses
from collections.abc import Collection
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs_integrations.api.formats import money
from finance import rules

D = Decimal
YEAR = rules.ContractTerm(start_date=date(2025, 1, 1), end_date=date(2025, 12, 31))
DURING = date(2025, 7, 1)
AFTER = date(2026, 3, 15)


def expansion(amount: int | Decimal, on: date, share: str | None = "1") -> rules.OutcomeFact:
    return rules.OutcomeFact(
        kind=rules.OutcomeKind.EXPANSION,
        occurred_date=on,
        amount=D(amount),
        share=None if share is None else D(share),
    )


def month_cost(month: date, tool_cost: str = "500") -> rules.CostFact:
    return rules.CostFact(month=month, hours=D(0), tool_cost=D(tool_cost))


def roi(
    *,
    outcomes: Collection[rules.OutcomeFact] = (),
    costs: Collection[rules.CostFact] = (),
    as_of: date = DURING,
    term: rules.ContractTerm = YEAR,
) -> rules.RoiTrajectory:
    return rules.roi_trajectory(term=term, outcomes=outcomes, costs=costs, policies=(), as_of=as_of)


def test_a_contract_that_keeps_its_pace_reaches_11_8() -> None:
    """(70,800 + 5,900 * 12) / (500 * 24)."""
    term = rules.ContractTerm(start_date=date(2024, 7, 1), end_date=date(2026, 7, 1))
    window = D(5_900) * 90 / D("30.4375")
    result = roi(
        outcomes=[
            expansion(70_800 - window, date(2024, 9, 1)),
            expansion(window, date(2025, 6, 1)),
        ],
        costs=[month_cost(date(2024 + (6 + n) // 12, (6 + n) % 12 + 1, 1)) for n in range(12)],
        term=term,
    )
    assert result.months_left == 12
    assert money(result.outcome.monthly) == "$5,900"
    assert (result.cost.to_date, result.cost.monthly) == (6_000, 500)
    assert result.text == "11.8x_projected"
    assert not result.is_low_confidence


@pytest.mark.parametrize(
    ("days_left", "expected", "why"),
    [
        (0, 0, "the last day"),
        (-40, 0, "ended"),
        (15, 0, "under half a month"),
        (16, 1, "over half a month"),
        (365, 12, "a year"),
        (366, 12, "a leap year"),
        (350, 11, "under 11.5 months"),
        (351, 12, "over 11.5 months"),
    ],
)
def test_months_left_are_whole_and_rounded_half_up(days_left: int, expected: int, why: str) -> None:
    as_of = YEAR.end_date - timedelta(days=days_left)
    assert rules.months_left(term=YEAR, as_of=as_of) == expected, why


@pytest.mark.parametrize(
    ("on", "counts", "why"),
    [
        (DURING, True, "today"),
        (DURING - timedelta(days=89), True, "first of 90 days"),
        (DURING - timedelta(days=90), False, "a day before the window"),
        (DURING + timedelta(days=1), False, "tomorrow"),
    ],
)
def test_the_monthly_outcome_looks_back_90_days(on: date, counts: bool, why: str) -> None:
    result = roi(outcomes=[expansion(90, on)])
    assert result.outcome.monthly == (D("30.4375") if counts else 0), why


def test_with_fewer_than_90_days_the_rate_is_over_the_days_there_are() -> None:
    as_of = date(2025, 1, 30)
    result = roi(outcomes=[expansion(300, date(2025, 1, 5))], as_of=as_of)
    assert result.days_observed == 30
    assert result.outcome.monthly == D("304.375")
    assert result.is_low_confidence
    assert "Low confidence: the monthly outcome rests on 30 days." in result.reasons


@pytest.mark.parametrize(("as_of", "low"), [(date(2025, 3, 30), True), (date(2025, 3, 31), False)])
def test_confidence_is_low_until_the_ninetieth_day(as_of: date, low: bool) -> None:
    assert roi(as_of=as_of).is_low_confidence is low


def test_the_first_day_counts_as_one_day() -> None:
    assert roi(as_of=YEAR.start_date).days_observed == 1


def test_an_ended_contract_projects_what_it_reached() -> None:
    result = roi(
        outcomes=[expansion(9_000, date(2025, 6, 1)), expansion(3_000, date(2026, 3, 1))],
        costs=[month_cost(date(2025, month, 1)) for month in range(1, 7)],
        as_of=AFTER,
    )
    assert result.multiple == 4
    assert result.months_left == 0
    assert result.reasons == (
        "The contract has ended, so the projection equals the actual return.",
    )


def test_a_short_contract_that_has_ended_is_not_of_low_confidence() -> None:
    term = rules.ContractTerm(start_date=date(2025, 6, 1), end_date=date(2025, 6, 20))
    assert not roi(term=term).is_low_confidence


@pytest.mark.parametrize(
    ("costs", "why"),
    [
        ([], "no cost on record"),
        ([month_cost(date(2025, 3, 1), "0")], "a cost of zero"),
        ([month_cost(date(2025, 7, 1))], "the running month is not over"),
    ],
)
def test_without_cost_there_is_no_return_but_a_reason(
    costs: list[rules.CostFact], why: str
) -> None:
    result = roi(outcomes=[expansion(100, date(2025, 6, 1))], costs=costs)
    assert result.multiple is None, why
    assert result.text is None
    assert result.reasons[0].startswith("No month that is over has a CS cost")


def test_a_contract_that_has_not_started_has_no_return() -> None:
    result = roi(costs=[month_cost(date(2024, 11, 1))], as_of=date(2024, 12, 31))
    assert result.multiple is None
    assert "starts on 2025-01-01" in result.reasons[0]


def test_cost_without_any_outcome_is_a_return_of_zero() -> None:
    assert roi(costs=[month_cost(date(2025, 6, 1))]).text == "0.0x_projected"


def test_the_monthly_cost_is_the_mean_of_the_last_three_months_on_record() -> None:
    costs = [month_cost(date(2025, month, 1), str(month * 100)) for month in (5, 1, 4, 3, 2)]
    result = roi(costs=costs)
    assert result.cost == rules.Pace(to_date=D(1_500), monthly=D(400))


@pytest.mark.parametrize(
    ("rate", "expected", "why"),
    [(None, 850, "10 hours at the default of $75, and $100 of tools"), ("90", 1_000, "own rate")],
)
def test_a_months_cost_is_hours_at_the_loaded_rate_and_tools(
    rate: str | None, expected: int, why: str
) -> None:
    cost = rules.CostFact(
        month=date(2025, 1, 1),
        hours=D(10),
        hourly_rate=None if rate is None else D(rate),
        tool_cost=D(100),
    )
    assert rules.cs_cost(cost=cost) == expected, why


POLICIES = [
    rules.PolicyFact(kind=rules.OutcomeKind.EXPANSION, share=D(".5"), valid_from=date(2025, 3, 1)),
    rules.PolicyFact(kind=rules.OutcomeKind.EXPANSION, share=D(".7"), valid_from=date(2025, 5, 1)),
    rules.PolicyFact(
        kind=rules.OutcomeKind.PROTECTED_REVENUE, share=D(".4"), valid_from=date(2025, 3, 1)
    ),
]


@pytest.mark.parametrize(
    ("kind", "on", "expected", "why"),
    [
        ("expansion", date(2025, 2, 28), "0.60", "T4.1, before any policy"),
        ("expansion", date(2025, 3, 1), "0.5", "from its first day"),
        ("expansion", date(2025, 4, 30), "0.5", "until the next one"),
        ("expansion", date(2025, 5, 1), "0.7", "the newest in force"),
        ("protected_revenue", date(2025, 5, 1), "0.4", "a policy of its own kind"),
        ("protected_revenue", date(2025, 2, 28), "0", "no agreement, no credit"),
        ("churn_prevented", date(2025, 5, 1), "0", "no agreement, no credit"),
    ],
)
def test_the_share_is_that_of_the_policy_in_force(
    kind: str, on: date, expected: str, why: str
) -> None:
    share = rules.share_in_force(kind=rules.OutcomeKind(kind), on=on, policies=POLICIES)
    assert share == D(expected), why


@pytest.mark.parametrize(
    ("share", "expected", "why"),
    [(None, 6_000, "T4.1: 10,000 give 6,000"), ("0.25", 2_500, "a share of its own wins")],
)
def test_an_outcome_is_credited_by_its_share(share: str | None, expected: int, why: str) -> None:
    outcome = expansion(10_000, date(2025, 1, 1), share)
    assert rules.credited_value(outcome=outcome, policies=()) == expected, why


outcome_facts = st.builds(
    expansion,
    st.integers(-10_000, 1_000_000),
    st.dates(date(2024, 12, 1), date(2025, 8, 1)),
    st.sampled_from(["0", "0.6", "1"]),
)


@given(st.lists(outcome_facts, max_size=15), st.dates(date(2025, 1, 1), date(2025, 12, 31)))
def test_the_pace_of_outcomes_equals_an_independent_computation(
    outcomes: list[rules.OutcomeFact], as_of: date
) -> None:
    result = roi(outcomes=outcomes, as_of=as_of)
    values = np.array([float(fact.amount * fact.share) for fact in outcomes])
    ages = np.array([(as_of - fact.occurred_date).days for fact in outcomes])
    days = min(90, (as_of - YEAR.start_date).days + 1)
    assert float(result.outcome.to_date) == pytest.approx(values[ages >= 0].sum())
    recent = values[(ages >= 0) & (ages < days)].sum()
    assert float(result.outcome.monthly) == pytest.approx(recent / days * 365.25 / 12)


@given(outcome_facts, st.integers(1, 10**6))
def test_more_outcome_never_lowers_the_return(outcome: rules.OutcomeFact, more: int) -> None:
    costs = [month_cost(date(2025, 6, 1))]
    grown = dataclasses.replace(outcome, amount=outcome.amount + more)
    assert roi(outcomes=[grown], costs=costs).multiple >= (
        roi(outcomes=[outcome], costs=costs).multiple
    )
