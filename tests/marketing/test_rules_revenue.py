"""What a campaign earned, and the share of customer success, read as the specification."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs_integrations.api.formats import money, percent
from cs_integrations.customers.health import renewal_probability
from marketing import rules
from marketing.rules import Enrolled, RevenueFact, RevenueKind, ShareBasis
from tests.marketing.rule_facts import NOON, scores


def enrolled(number=1, *, campaign=1, customer=1, score="75", age_days=60):
    return Enrolled(
        enrollment_id=number,
        campaign_id=campaign,
        customer_id=customer,
        started_at=NOON - timedelta(days=age_days),
        health_at_start=Decimal(score),
    )


def revenue(number=1, *, kind=RevenueKind.EXPANSION, amount="1000", customer=1, **changes):
    known = {
        "closed_at": NOON,
        "is_cs_driven": False,
        "is_refunded": False,
        "cs_touches": 0,
        "all_touches": 0,
    }
    return RevenueFact(
        revenue_id=number,
        customer_id=customer,
        kind=kind,
        amount=Decimal(amount),
        **(known | changes),
    )


def measured(revenues, enrollments=None, *, campaign=1):
    return rules.measure_revenue(
        campaign_id=campaign, revenues=revenues, enrollments=enrollments or [enrolled()]
    )


class TestRevenue:
    def test_gives_the_specifications_example(self):
        """5,000 CS-driven at 60% and 7,500 with 30% CS touchpoints: 42% of $12,500."""
        result = measured(
            [
                revenue(1, amount="5000", is_cs_driven=True),
                revenue(2, amount="4500", cs_touches=3, all_touches=10),
                revenue(3, amount="3000", cs_touches=6, all_touches=20),
            ]
        )

        assert money(result.revenue_impact) == "$12,500"
        assert percent(result.attribution_pct) == "42%"
        assert result.reasons == ()

    @pytest.mark.parametrize(
        ("days_after", "counts", "why"),
        [
            (timedelta(0), False, "revenue comes after the enrollment"),
            (timedelta(seconds=1), True, "right after"),
            (timedelta(days=90), True, "the 90th day"),
            (timedelta(days=90, seconds=1), False, "past 90 days"),
            (timedelta(days=-1), False, "before the enrollment"),
        ],
    )
    def test_counts_in_the_ninety_days_after_enrollment(self, days_after, counts, why):
        start = enrolled()

        result = measured([revenue(closed_at=start.started_at + days_after)], [start])

        assert bool(result.claims) is counts, why

    @pytest.mark.parametrize("kind", [RevenueKind.EXPANSION, RevenueKind.UPSELL, "cross_sell"])
    def test_counts_new_money_in_full(self, kind):
        assert rules.revenue_weight(kind=RevenueKind(kind), health_at_start=Decimal(95)) == 1

    @pytest.mark.parametrize(
        ("score", "counts", "why"),
        [
            ("45", True, "red at enrollment"),
            ("79.99", True, "yellow at enrollment"),
            ("80", False, "a green customer would have renewed"),
        ],
    )
    def test_counts_a_renewal_only_where_it_was_in_doubt(self, score, counts, why):
        result = measured([revenue(kind=RevenueKind.RENEWAL)], [enrolled(score=score)])

        assert bool(result.claims) is counts, why

    def test_counts_a_renewal_with_the_probability_of_its_loss(self):
        result = measured([revenue(kind=RevenueKind.RENEWAL)], [enrolled(score="45")])

        assert result.revenue_impact == 1000 * (1 - renewal_probability(Decimal(45)))
        assert money(result.revenue_impact) == "$722", "1 - 0.278 by the renewal curve"

    def test_of_nothing_is_nothing(self):
        result = measured([])

        assert (percent(result.attribution_pct), money(result.revenue_impact)) == ("0%", "$0")
        assert result.reasons == ("No revenue closed in the window after an enrollment.",)

    def test_of_another_customer_does_not_count(self):
        assert measured([revenue(customer=2)]).claims == ()

    def test_that_was_refunded_is_left_out(self):
        result = measured([revenue(1, is_refunded=True), revenue(2, amount="400")])

        assert result.revenue_impact == 400
        assert result.reasons == ("Revenue event 1 was refunded and is left out.",)

    def test_of_two_campaigns_is_divided_among_their_enrollments(self):
        enrollments = [enrolled(1), enrolled(2), enrolled(3, campaign=2)]

        first = measured([revenue(amount="900")], enrollments, campaign=1)
        second = measured([revenue(amount="900")], enrollments, campaign=2)

        assert (first.revenue_impact, second.revenue_impact) == (600, 300)
        assert second.reasons == (
            "Revenue event 1 is divided among 3 enrollments, 1 of them in this campaign.",
        )

    def test_of_a_renewal_is_not_shared_with_a_green_enrollment(self):
        enrollments = [enrolled(1, score="45"), enrolled(2, campaign=2, score="90")]

        result = measured([revenue(kind=RevenueKind.RENEWAL)], enrollments)

        assert result.claims[0].amount == 1000

    @given(
        amounts=st.lists(st.decimals(1, 100_000, places=2), min_size=1, max_size=5),
        campaigns=st.lists(st.integers(1, 3), min_size=1, max_size=6),
    )
    def test_is_never_counted_twice(self, amounts, campaigns):
        enrollments = [enrolled(number, campaign=own) for number, own in enumerate(campaigns)]
        revenues = [revenue(number, amount=amount) for number, amount in enumerate(amounts)]

        total = sum(
            measured(revenues, enrollments, campaign=own).revenue_impact for own in (1, 2, 3)
        )

        assert abs(total - sum(amounts)) < Decimal("0.0001")


class TestAttribution:
    @pytest.mark.parametrize(
        ("is_cs_driven", "cs_touches", "all_touches", "share", "basis", "why"),
        [
            (True, 0, 0, "0.60", ShareBasis.CS_DRIVEN, "ITP T4.1: 6,000 of 10,000"),
            (True, 1, 10, "0.60", ShareBasis.CS_DRIVEN, "the agreed share beats touchpoints"),
            (False, 3, 10, "0.3", ShareBasis.TOUCHPOINTS, "linear multi-touch"),
            (False, 0, 4, "0", ShareBasis.TOUCHPOINTS, "others' touchpoints only"),
            (False, 4, 4, "1", ShareBasis.TOUCHPOINTS, "CS alone"),
            (False, 0, 0, "0", ShareBasis.NO_TOUCHPOINTS, "no touchpoint, no claim"),
        ],
    )
    def test_goes_by_source_then_touchpoints(
        self, *, is_cs_driven, cs_touches, all_touches, share, basis, why
    ):
        result = rules.cs_share(
            is_cs_driven=is_cs_driven, cs_touches=cs_touches, all_touches=all_touches
        )

        assert result == (Decimal(share), basis), why

    def test_weighs_by_what_counts(self):
        """A renewal that was never in real doubt moves the share little."""
        result = measured(
            [
                revenue(1, amount="1000", is_cs_driven=True),
                revenue(2, kind=RevenueKind.RENEWAL, amount="1000"),
            ],
            [enrolled(score="79")],
        )

        lost = 1 - renewal_probability(Decimal(79))
        assert result.attribution_pct == pytest.approx(60 / (1 + lost))

    @given(
        events=st.lists(
            st.tuples(
                st.sampled_from(RevenueKind),
                st.decimals(1, 10_000, places=2),
                st.booleans(),
                st.integers(0, 5),
                st.integers(0, 5),
            ),
            max_size=6,
        ),
        score=scores,
    )
    def test_stays_a_share(self, events, score):
        result = measured(
            [
                revenue(
                    number,
                    kind=kind,
                    amount=amount,
                    is_cs_driven=is_driven,
                    cs_touches=own,
                    all_touches=own + others,
                )
                for number, (kind, amount, is_driven, own, others) in enumerate(events)
            ],
            [enrolled(score=score)],
        )

        assert 0 <= result.attribution_pct <= 100
        assert 0 <= result.cs_amount <= result.revenue_impact <= sum(event[1] for event in events)
