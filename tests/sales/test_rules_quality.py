"""Handoff quality and deadline, as docs/rules/sales.md states them. No database."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales import rules
from tests.sales.rule_facts import POINTS

CLOSED = datetime(2025, 11, 1, 9, tzinfo=UTC)


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
