"""The value portfolio, as docs/rules/sales.md states it. No database."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales import rules
from sales.rules import EvidenceCode
from tests.sales.rule_facts import TODAY


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
