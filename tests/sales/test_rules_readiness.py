"""Expansion readiness, as docs/rules/sales.md states it. No database."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales import rules
from sales.rules import Factor, Gate, Sponsor, SponsorLevel, UsageMetric
from tests.sales.rule_facts import POINTS


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
