"""Capacity, as docs/rules/sales.md states it. No database."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales import rules
from tests.sales.rule_facts import MAIL, TODAY, use


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
