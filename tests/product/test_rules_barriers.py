"""Barriers to adoption, as docs/rules/product.md states them; a reason stands in every row."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from product import rules
from product.rules import PARAMETERS, Barrier, BarrierCheck, CustomerUse, Recommendation
from tests.product.rule_facts import TODAY, a_customer, days_ago


def the_check(measure: str, customers: list[CustomerUse]) -> BarrierCheck:
    checks = rules.barrier_checks(customers=customers, on=TODAY)
    return next(check for check in checks if check.measure == measure)


class TestBarriers:
    QUICK: ClassVar = {"enabled_date": days_ago(60), "first_use_date": days_ago(55)}
    UNBEGUN: ClassVar = {"enabled_date": days_ago(60), "first_use_date": None}

    def test_nothing_fires_for_content_customers(self) -> None:
        insights = rules.adoption_insights(customers=[a_customer()] * 10, on=TODAY)

        assert insights.barriers == ()
        assert insights.recommendations == ()

    @pytest.mark.parametrize(
        ("enabled", "first_use", "in_cohort", "begun", "reason"),
        [
            (13, None, False, False, "too new to have had its time"),
            (14, None, True, False, "the youngest of the cohort"),
            (90, None, True, False, "the oldest of the cohort"),
            (91, None, False, False, "onboarding is long over"),
            (60, 46, True, True, "first use on the 14th day"),
            (60, 45, True, False, "first use on the 15th day"),
            (60, 300, True, True, "used it before under an earlier entitlement"),
        ],
    )
    def test_onboarding_looks_at_customers_enabled_14_to_90_days_ago(
        self, enabled: int, first_use: int | None, in_cohort: bool, begun: bool, reason: str
    ) -> None:
        customer = a_customer(
            enabled_date=days_ago(enabled),
            first_use_date=None if first_use is None else days_ago(first_use),
        )

        check = the_check("first_use_share", [customer])

        assert check.sample_size == in_cohort, reason
        assert check.value == ((100 if begun else 0) if in_cohort else None), reason

    @pytest.mark.parametrize(
        ("measure", "at_the_limit", "beyond", "barrier"),
        [
            (
                "first_use_share",
                [QUICK, QUICK, QUICK, UNBEGUN, UNBEGUN],
                [QUICK, UNBEGUN],
                Barrier.ONBOARDING_FRICTION,
            ),
            (
                "ever_opened_share",
                [{"first_use_date": None}, {}],
                [{"first_use_date": None}, {"first_use_date": None}, {}],
                Barrier.LOW_AWARENESS,
            ),
            (
                "training_completion",
                [{"training_pct": Decimal(60)}, {"training_pct": Decimal(80)}],
                [{"training_pct": Decimal("69.99")}],
                Barrier.TRAINING_GAP,
            ),
            (
                "error_rate",
                [{"uses": 100, "errors": 10, "successes": 90}],
                [{"uses": 100, "errors": 12, "successes": 88}],
                Barrier.TECHNICAL_ISSUES,
            ),
            (
                "integration_failure_share",
                [{"integration_failures": 7}] + [{}] * 9,
                [{"integration_failures": 1}] * 2 + [{}] * 9,
                Barrier.TECHNICAL_ISSUES,
            ),
            (
                "silent_share",
                [{"uses": 0}, {"uses": 0}, {}, {}, {}],
                [{"uses": 0}, {}],
                Barrier.USAGE_DROPOFF,
            ),
            (
                "success_rate",
                [{"uses": 100, "successes": 80}],
                [{"uses": 100, "successes": 79}],
                Barrier.LOW_VALUE_PERCEIVED,
            ),
            (
                "mean_rating",
                [{"rating": Decimal(3)}, {"rating": Decimal(4)}],
                [{"rating": Decimal("3.4")}],
                Barrier.LOW_VALUE_PERCEIVED,
            ),
        ],
    )
    def test_each_test_fires_beyond_its_limit_and_not_at_it(
        self,
        measure: str,
        at_the_limit: list[dict[str, object]],
        beyond: list[dict[str, object]],
        barrier: Barrier,
    ) -> None:
        at_limit = the_check(measure, [a_customer(**changes) for changes in at_the_limit])
        missed = the_check(measure, [a_customer(**changes) for changes in beyond])

        assert at_limit.value == at_limit.limit
        assert not at_limit.fired
        assert missed.barrier is barrier
        assert missed.fired
        assert 0 < missed.shortfall <= 1

    def test_a_former_user_began_before_the_window(self) -> None:
        first_day = rules.window_start(on=TODAY, days=28)
        customers = [
            a_customer(first_use_date=first_day, uses=0),
            a_customer(first_use_date=first_day - timedelta(days=1), uses=0),
        ]

        assert the_check("silent_share", customers).sample_size == 1

    def test_where_there_is_nothing_to_measure_nothing_fires_and_the_reason_says_so(self) -> None:
        silent = a_customer(uses=0, successes=0, training_pct=None, rating=None)

        insights = rules.adoption_insights(customers=[silent], on=TODAY)

        unmeasured = [check.measure for check in insights.checks if check.value is None]
        assert unmeasured == [
            "first_use_share", "training_completion", "error_rate", "success_rate", "mean_rating",
        ]  # fmt: skip
        assert insights.barriers == (Barrier.USAGE_DROPOFF,)
        for measure in unmeasured:
            assert any(measure in reason for reason in insights.reasons)

    def test_slow_newcomers_are_the_friction_of_the_specification(self) -> None:
        settled = [a_customer()] * 34
        quick = [a_customer(enabled_date=days_ago(50), first_use_date=days_ago(45))] * 4
        slow = [a_customer(enabled_date=days_ago(50), first_use_date=days_ago(20))] * 6

        insights = rules.adoption_insights(customers=settled + quick + slow, on=TODAY)

        assert insights.barriers == (Barrier.ONBOARDING_FRICTION,)
        assert insights.recommendations == (Recommendation.TARGETED_TUTORIAL,)

    def test_barriers_are_ordered_by_shortfall_and_remedies_follow(self) -> None:
        customers = [
            a_customer(training_pct=Decimal(63), rating=Decimal(1), uses=100, errors=30)
        ] * 10

        insights = rules.adoption_insights(customers=customers, on=TODAY)

        assert insights.barriers == (
            Barrier.LOW_VALUE_PERCEIVED,  # ratings are as bad as can be: 1.0
            Barrier.TECHNICAL_ISSUES,  # 20 of the 90 points above the limit: .22
            Barrier.TRAINING_GAP,  # 7 of the 70 points under the limit: .10
        )
        assert insights.recommendations == (
            Recommendation.WORKFLOW_OPTIMIZATION,
            Recommendation.ENGINEERING_REVIEW,
            Recommendation.TRAINING_CONTENT,
        )

    def test_equal_shortfalls_keep_the_order_of_the_table(self) -> None:
        checks = [
            BarrierCheck(
                barrier=barrier,
                measure="any",
                value=Decimal(1),
                limit=Decimal(2),
                sample_size=10,
                shortfall=Decimal("0.5"),
            )
            for barrier in reversed(Barrier)
        ]

        assert rules.barriers_by_shortfall(checks) == tuple(Barrier)

    def test_a_limit_at_the_worst_value_never_fires(self) -> None:
        lenient = replace(PARAMETERS, awareness_share_min=Decimal(0))
        customers = [a_customer(first_use_date=None)]

        checks = rules.barrier_checks(customers=customers, on=TODAY, parameters=lenient)

        assert not any(check.barrier is Barrier.LOW_AWARENESS and check.fired for check in checks)

    @pytest.mark.parametrize(
        ("rate", "added", "reason"),
        [
            (Decimal("29.99"), True, "under 30%, even if it is written as 30%"),
            (Decimal(30), False, "30% is not under 30%"),
            (None, False, "no rate, no advice"),
        ],
    )
    def test_low_overall_adoption_adds_a_campaign_and_a_feedback_request(
        self, rate: Decimal | None, added: bool, reason: str
    ) -> None:
        found = rules.recommendations(barriers=[Barrier.LOW_AWARENESS], rate=rate)

        extra = (Recommendation.ADOPTION_CAMPAIGN, Recommendation.FEEDBACK_REQUEST)
        assert found == (Recommendation.FEATURE_DISCOVERY, *(extra if added else ())), reason

    @given(st.sets(st.sampled_from(Barrier)))
    def test_every_barrier_has_exactly_one_remedy_of_its_own(self, fired: set[Barrier]) -> None:
        found = rules.recommendations(barriers=sorted(fired), rate=Decimal(50))

        assert len(found) == len(set(found)) == len(fired)

    @given(
        st.integers(0, 100),
        st.integers(0, 100),
        st.decimals(0, 100, places=2, allow_nan=False),
        st.decimals(1, 5, places=1, allow_nan=False),
    )
    def test_shortfalls_stay_within_0_and_1_and_barriers_descend_by_them(
        self, errors: int, successes: int, training: Decimal, rating: Decimal
    ) -> None:
        customer = a_customer(
            uses=100,
            errors=errors,
            successes=min(successes, 100 - errors),
            training_pct=training,
            rating=rating,
        )

        checks = rules.barrier_checks(customers=[customer], on=TODAY)

        largest = {
            barrier: max(check.shortfall for check in checks if check.barrier is barrier)
            for barrier in rules.barriers_by_shortfall(checks)
        }
        assert all(0 <= check.shortfall <= 1 for check in checks)
        assert list(largest.values()) == sorted(largest.values(), reverse=True)
