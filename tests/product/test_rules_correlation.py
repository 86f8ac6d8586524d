"""Adoption against health, as docs/rules/product.md states it; a reason stands in every row."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from product import rules
from product.rules import CurrentHealth, DailyUsers
from tests.product.rule_facts import TODAY, a_customer


class TestHealthCorrelation:
    PAIRS = tuple(
        (Decimal(depth), Decimal(health))
        for depth, health in (
            (12, 41), (85, 88), (60, 72), (33, 55), (47, 70),
            (91, 79), (5, 36), (70, 90), (52, 61), (28, 66), (76, 71),
        )
    )  # fmt: skip

    def test_it_is_what_numpy_finds_on_the_same_rows(self) -> None:
        expected = np.corrcoef(np.array(self.PAIRS, dtype=float).T)[0, 1]

        found = rules.correlation(pairs=self.PAIRS)

        assert found.value == Decimal(str(round(float(expected), 2)))
        assert found.sample_size == 11

    @pytest.mark.parametrize(
        ("pairs", "reason"),
        [
            (PAIRS[:9], "9 customers have both values and 10 are needed"),
            ((), "0 customers have both values and 10 are needed"),
            (tuple((Decimal(5), y) for _, y in PAIRS), "the same for every customer"),
            (tuple((x, Decimal(5)) for x, _ in PAIRS), "the same for every customer"),
        ],
    )
    def test_it_is_none_with_a_reason_where_there_is_too_little_to_see(
        self, pairs: tuple[tuple[Decimal, Decimal], ...], reason: str
    ) -> None:
        found = rules.correlation(pairs=pairs)

        assert found.value is None
        assert found.interval is None
        assert reason in found.reason

    def test_ten_customers_are_enough(self) -> None:
        assert rules.correlation(pairs=self.PAIRS[:10]).value is not None

    @pytest.mark.parametrize(
        ("r", "size", "interval", "reason"),
        [
            (0.87, 30, ("0.74", "0.94"), "published for n = 30"),
            (0.87, 12, ("0.59", "0.96"), "fewer customers, wider interval"),
        ],
    )
    def test_the_fisher_interval_reproduces_the_check_values(
        self, r: float, size: int, interval: tuple[str, str], reason: str
    ) -> None:
        found = rules.correlation(pairs=self._sample_with(r, size))

        assert found.value == Decimal("0.87")
        assert found.interval == (Decimal(interval[0]), Decimal(interval[1])), reason

    @pytest.mark.parametrize("direction", [1, -1])
    def test_a_perfect_line_gives_one_and_an_interval_without_width(self, direction: int) -> None:
        pairs = [(Decimal(step), Decimal(step * direction)) for step in range(12)]

        found = rules.correlation(pairs=pairs)

        assert found.value == direction
        assert found.interval == (Decimal(direction), Decimal(direction))

    @given(
        st.lists(
            st.tuples(
                st.decimals(0, 100, places=2, allow_nan=False),
                st.decimals(0, 100, places=2, allow_nan=False),
            ),
            min_size=10,
            max_size=40,
        )
    )
    def test_it_agrees_with_numpy_and_does_not_depend_on_order(
        self, pairs: list[tuple[Decimal, Decimal]]
    ) -> None:
        found = rules.correlation(pairs=pairs)

        assert found == rules.correlation(pairs=sorted(pairs))
        if found.value is None:
            assert any(len({pair[side] for pair in pairs}) == 1 for side in (0, 1))
            return
        expected = np.corrcoef(np.array(pairs, dtype=float).T)[0, 1]
        assert float(found.value) == pytest.approx(expected, abs=0.0051)
        assert found.interval is not None
        assert -1 <= found.interval[0] <= found.value <= found.interval[1] <= 1

    def test_customers_of_unknown_depth_or_health_are_left_out(self) -> None:
        known = [
            a_customer(users=DailyUsers(user_days=28 * users, recorded_days=28))
            for users in range(10)
        ]
        without_seats = a_customer(licensed_users=None)
        without_health = a_customer(health=None)

        insights = rules.adoption_insights(
            customers=[*known, without_seats, without_health], on=TODAY
        )

        assert insights.health_correlation.sample_size == 10

    def test_health_without_its_usage_dimension_is_the_other_three_by_their_weights(self) -> None:
        health = CurrentHealth(
            score=Decimal(99),
            engagement=Decimal(70),
            business=Decimal(90),
            relationship=Decimal(60),
        )

        found = rules.health_without_usage(health)

        assert found == (Decimal(".25") * 70 + Decimal(".25") * 90 + Decimal(".15") * 60) / Decimal(
            ".65"
        )

    @pytest.mark.parametrize("dimension", ["engagement", "business", "relationship"])
    def test_health_without_usage_is_unknown_when_a_dimension_is(self, dimension: str) -> None:
        health = a_customer().health
        assert health is not None
        unknown: dict[str, Any] = {dimension: None}
        incomplete = replace(health, **unknown)

        assert rules.health_without_usage(incomplete) is None

    def test_both_correlations_are_computed_from_the_same_depths(self) -> None:
        customers = [
            a_customer(
                users=DailyUsers(user_days=28 * step, recorded_days=28),
                licensed_users=20,
                health=CurrentHealth(
                    score=Decimal(40 + step),
                    engagement=Decimal(80 - step),
                    business=Decimal(80 - step),
                    relationship=Decimal(80 - step),
                ),
            )
            for step in range(12)
        ]

        insights = rules.adoption_insights(customers=customers, on=TODAY)

        assert insights.health_correlation.value == 1
        assert insights.correlation_without_usage.value == -1

    @staticmethod
    def _sample_with(r: float, size: int) -> list[tuple[Decimal, Decimal]]:
        """Return pairs whose sample correlation is exactly r: two orthogonal columns, mixed."""
        x = np.arange(size) - (size - 1) / 2
        square = x**2 - np.mean(x**2)
        x, square = x / np.linalg.norm(x), square / np.linalg.norm(square)
        y = r * x + np.sqrt(1 - r**2) * square
        return [(Decimal(str(a)), Decimal(str(b))) for a, b in zip(x, y, strict=True)]
