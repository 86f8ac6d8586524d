"""Engagement against health, read as the specification. No database."""

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs_integrations.explanation import plain
from marketing import rules
from marketing.rules import EngagementCounts, Participant
from tests.marketing.rule_facts import NOON


class TestEngagementPoints:
    @pytest.mark.parametrize(
        ("counts", "points", "why"),
        [
            ({}, 0, "nothing happened"),
            ({"opens": 1}, 5, "an open"),
            ({"clicks": 1}, 10, "a click"),
            ({"replies": 1}, 15, "a reply"),
            ({"bounces": 2}, -20, "bounces take away"),
            ({"opens": 3, "clicks": 2, "replies": 1, "bounces": 1}, 40, "all together"),
            ({"opens": 9, "replies": 2, "unsubscribes": 1}, 0, "whoever left was not reached"),
            ({"bounces": 3, "unsubscribes": 1}, 0, "also from below"),
        ],
    )
    def test_follow_lead_scoring(self, counts, points, why):
        assert rules.engagement_points(engagement=EngagementCounts(**counts)) == points, why


def participants(rows):
    """Participants from (opens, health change)."""
    return [
        Participant(engagement=EngagementCounts(opens=opens), health_change=Decimal(change))
        for opens, change in rows
    ]


def correlated(rows, *, age_days=60):
    return rules.measure_correlation(
        participants=participants(rows),
        campaign_started_at=NOON - timedelta(days=age_days),
        at=NOON,
    )


class TestHealthCorrelation:
    TEN = tuple(enumerate([1, 0, 3, 2, 6, 4, 5, 9, 7, 8]))

    def test_equals_numpys(self):
        expected = np.corrcoef([5 * opens for opens, _ in self.TEN], [y for _, y in self.TEN])

        result = correlated(self.TEN)

        assert float(result.coefficient) == pytest.approx(expected[0, 1], abs=0.005)
        assert result.sample_size == 10
        assert result.reasons == ()

    @pytest.mark.parametrize(
        ("rows", "age_days", "reason"),
        [
            (TEN[:9], 60, "only 9 of at least 10 are measured"),
            ([], 60, "only 0 of at least 10 are measured"),
            (TEN, 29, "the campaign is younger than 30 days"),
            ([(1, y) for _, y in TEN], 60, "all participants engaged alike"),
            ([(x, "2.5") for x, _ in TEN], 60, "health changed alike for all participants"),
        ],
    )
    def test_is_null_with_a_reason_when_there_is_too_little(self, rows, age_days, reason):
        result = correlated(rows, age_days=age_days)

        assert result.coefficient is None
        assert result.interval is None
        assert result.reasons == (f"health_correlation is null because {reason}.",)
        assert result.sample_size == len(rows)

    def test_is_measured_from_the_thirtieth_day(self):
        assert correlated(self.TEN, age_days=30).coefficient is not None

    @pytest.mark.parametrize(("slope", "expected"), [(2, Decimal(1)), (-2, Decimal(-1))])
    def test_of_a_straight_line_is_perfect_and_its_interval_has_no_width(self, slope, expected):
        result = correlated([(x, slope * x) for x in range(12)])

        assert result.coefficient == expected
        assert result.interval == (expected, expected)

    def test_near_zero_carries_no_minus_sign(self):
        """A parabola has r = 0; the slight tilt makes it -0.004."""
        rows = [(x, (Decimal(x) - Decimal("4.5")) ** 2 - Decimal(x) / 100) for x in range(10)]

        assert str(plain(correlated(rows).coefficient)) == "0"

    @given(
        rows=st.lists(
            st.tuples(st.integers(0, 40), st.decimals(-60, 60, places=1)), min_size=10, max_size=40
        )
    )
    def test_equals_numpys_for_any_rows_and_lies_in_its_interval(self, rows):
        result = correlated(rows)

        xs, ys = [5 * opens for opens, _ in rows], [float(change) for _, change in rows]
        if result.coefficient is None:
            assert len(set(xs)) == 1 or len(set(ys)) == 1
            return
        assert float(result.coefficient) == pytest.approx(np.corrcoef(xs, ys)[0, 1], abs=0.0051)
        low, high = result.interval
        assert -1 <= low <= result.coefficient <= high <= 1

    @given(rows=st.permutations(TEN))
    def test_does_not_depend_on_the_order_of_participants(self, rows):
        assert correlated(rows) == correlated(self.TEN)
