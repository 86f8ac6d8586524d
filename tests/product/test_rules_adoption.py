"""The adoption rate, as docs/rules/product.md states it; a reason stands in every row."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs_integrations.api.formats import percent
from product import rules
from tests.product.rule_facts import TODAY, a_customer, days_ago


class TestAdoptionRate:
    @pytest.mark.parametrize(
        ("days", "eligible", "reason"),
        [
            (13, False, "one day short"),
            (14, True, "exactly two weeks"),
            (0, False, "enabled today"),
            (-1, False, "enabled tomorrow"),
        ],
    )
    def test_a_customer_is_eligible_after_14_days(
        self, days: int, eligible: bool, reason: str
    ) -> None:
        customer = a_customer(enabled_date=days_ago(days))

        found = rules.eligible_customers(customers=[customer], on=TODAY)

        assert bool(found) is eligible, reason

    @pytest.mark.parametrize(("uses", "adopted"), [(0, False), (19, False), (20, True)])
    def test_adopted_is_5_uses_a_week_over_28_days(self, uses: int, adopted: bool) -> None:
        assert rules.has_adopted(uses=uses) is adopted

    def test_30_of_44_is_the_68_percent_of_the_specification(self) -> None:
        customers = [a_customer(uses=20)] * 30 + [a_customer(uses=19)] * 14
        newcomer = a_customer(enabled_date=days_ago(10))

        insights = rules.adoption_insights(customers=[*customers, newcomer], on=TODAY)

        assert (insights.overall.adopted, insights.overall.eligible) == (30, 44)
        assert insights.overall.rate is not None
        assert percent(insights.overall.rate) == "68%"

    def test_each_segment_with_eligible_customers_has_its_own_rate(self) -> None:
        customers = [
            a_customer(segment="small_business", uses=0),
            a_customer(segment="enterprise"),
            a_customer(segment="enterprise", uses=0),
            a_customer(segment="mid_market", enabled_date=days_ago(1)),
        ]

        insights = rules.adoption_insights(customers=customers, on=TODAY)

        assert [(name, rate.rate) for name, rate in insights.segments] == [
            ("enterprise", Decimal(50)),
            ("small_business", Decimal(0)),
        ]

    def test_without_eligible_customers_nothing_is_computed_and_each_null_has_its_reason(
        self,
    ) -> None:
        insights = rules.adoption_insights(customers=[], on=TODAY)

        assert insights.overall.rate is None
        assert insights.health_correlation.value is None
        assert insights.barriers == ()
        assert insights.recommendations == ()
        assert any("adoption_rate is null" in reason for reason in insights.reasons)
        assert any("health_correlation is null" in reason for reason in insights.reasons)

    @given(st.lists(st.integers(0, 60), min_size=1, max_size=30), st.integers(0, 60))
    def test_the_rate_stays_within_0_and_100_and_never_falls_when_one_uses_more(
        self, uses: list[int], more: int
    ) -> None:
        before = rules.adoption_rate(customers=[a_customer(uses=count) for count in uses])
        uses[0] += more
        after = rules.adoption_rate(customers=[a_customer(uses=count) for count in uses])

        assert before.rate is not None
        assert after.rate is not None
        assert 0 <= before.rate <= after.rate <= 100
