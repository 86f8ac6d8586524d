"""The product rules as docs/rules/product.md states them; a reason stands in every row."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs_integrations.api.formats import percent
from cs_integrations.customers.health import Zone
from cs_integrations.parameters import DOC, PROPOSED, describe
from product import rules
from product.rules import (
    PARAMETERS,
    Barrier,
    BarrierCheck,
    CoreFeatureUse,
    CurrentHealth,
    CustomerUse,
    DailyUsers,
    EarlierFeedback,
    Priority,
    PriorityParts,
    Quarter,
    Recommendation,
    RoadmapBasis,
    RoadmapPosition,
    TicketChoice,
    TicketMove,
    TicketPriority,
    Tier,
)

TODAY = date(2026, 5, 20)
NOON = datetime(2026, 5, 20, 12, tzinfo=UTC)


def days_ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def a_customer(**changes: object) -> CustomerUse:
    """An enterprise entitled for 200 days that uses the feature well; nothing is wrong."""
    content = CustomerUse(
        segment="enterprise",
        enabled_date=days_ago(200),
        first_use_date=days_ago(199),
        uses=100,
        errors=0,
        successes=95,
        users=DailyUsers(user_days=140, recorded_days=28),
        licensed_users=10,
        health=CurrentHealth(
            score=Decimal(80),
            engagement=Decimal(70),
            business=Decimal(90),
            relationship=Decimal(60),
        ),
        training_pct=Decimal(90),
        rating=Decimal("4.5"),
    )
    return replace(content, **changes)  # type: ignore[arg-type]


def the_check(measure: str, customers: list[CustomerUse]) -> BarrierCheck:
    checks = rules.barrier_checks(customers=customers, on=TODAY)
    return next(check for check in checks if check.measure == measure)


class TestParameters:
    def test_every_constant_names_its_unit_its_source_and_its_standing(self) -> None:
        for note in describe(PARAMETERS):
            assert note.unit, note.name
            assert note.source, note.name
            assert note.standing in {DOC, PROPOSED}, note.name

    def test_the_four_weights_of_a_priority_add_up_to_one(self) -> None:
        weights = (
            PARAMETERS.impact_weight
            + PARAMETERS.tier_weight
            + PARAMETERS.prevalence_weight
            + PARAMETERS.risk_weight
        )

        assert weights == 1


class TestDaysOfUse:
    def test_a_window_of_28_days_includes_its_last_day(self) -> None:
        assert rules.window_start(on=date(2026, 3, 28), days=28) == date(2026, 3, 1)

    @pytest.mark.parametrize(
        ("month", "span", "reason"),
        [
            (date(2026, 4, 17), (date(2026, 4, 1), date(2026, 4, 30)), "any day names its month"),
            (date(2028, 2, 29), (date(2028, 2, 1), date(2028, 2, 29)), "leap year"),
            (date(2026, 12, 31), (date(2026, 12, 1), date(2026, 12, 31)), "end of the year"),
        ],
    )
    def test_a_month_spans_its_first_to_its_last_day(
        self, month: date, span: tuple[date, date], reason: str
    ) -> None:
        assert rules.month_span(month) == span, reason

    @pytest.mark.parametrize(
        ("retired", "last_day", "reason"),
        [
            (None, TODAY, "in use"),
            (TODAY + timedelta(days=40), TODAY, "will be retired later"),
            (TODAY, days_ago(1), "retired today: yesterday was its last day"),
            (days_ago(30), days_ago(31), "retired long ago: its last period is shown"),
        ],
    )
    def test_a_retired_feature_is_seen_on_its_last_day(
        self, retired: date | None, last_day: date, reason: str
    ) -> None:
        assert rules.observation_day(as_of=TODAY, retired_date=retired) == last_day, reason

    @pytest.mark.parametrize(
        ("user_days", "recorded", "mean", "reason"),
        [
            (135, 3, Decimal(45), "three recorded days of 45 users"),
            (1350, 30, Decimal(45), "the full month reads the same"),
            (0, 30, Decimal(0), "recorded and unused"),
            (0, 0, None, "nothing recorded, nothing known"),
        ],
    )
    def test_contracted_use_is_the_mean_of_the_recorded_days(
        self, user_days: int, recorded: int, mean: Decimal | None, reason: str
    ) -> None:
        users = DailyUsers(user_days=user_days, recorded_days=recorded)

        assert rules.mean_daily_users(users) == mean, reason

    @pytest.mark.parametrize(
        ("user_days", "recorded", "licensed", "depth", "reason"),
        [
            (140, 28, 10, Decimal(50), "5 of 10 licensed users a day"),
            (560, 28, 10, Decimal(100), "20 users on 10 seats: capped"),
            (0, 28, 10, Decimal(0), "recorded and unused"),
            (0, 0, 10, None, "nothing recorded"),
            (140, 28, 0, None, "nobody is licensed"),
            (140, 28, None, None, "no running subscription"),
        ],
    )
    def test_depth_is_the_share_of_licensed_users(
        self, user_days: int, recorded: int, licensed: int | None, depth: Decimal, reason: str
    ) -> None:
        users = DailyUsers(user_days=user_days, recorded_days=recorded)

        assert rules.adoption_depth(users=users, licensed_users=licensed) == depth, reason

    @given(
        st.integers(0, 100_000), st.integers(1, 28), st.integers(1, 5_000), st.integers(0, 1_000)
    )
    def test_depth_stays_within_0_and_100_and_never_falls_with_more_users(
        self, user_days: int, recorded: int, licensed: int, more: int
    ) -> None:
        fewer, greater = (
            rules.adoption_depth(
                users=DailyUsers(user_days=days, recorded_days=recorded), licensed_users=licensed
            )
            for days in (user_days, user_days + more)
        )

        assert fewer is not None
        assert greater is not None
        assert 0 <= fewer <= greater <= 100


class TestWeakCoreFeatures:
    @pytest.mark.parametrize(
        ("user_days", "enabled", "licensed", "weak", "reason"),
        [
            (29, 60, 10, True, "29% of the licensed users"),
            (30, 60, 10, False, "30% is not under 30%"),
            (0, 60, 10, True, "recorded and unused"),
            (0, 13, 10, False, "13 days are too few to judge"),
            (0, 14, 10, True, "14 days are enough"),
            (0, 60, None, False, "no licensed users: unknown is not weak"),
        ],
    )
    def test_a_feature_is_weak_under_30_percent(
        self, user_days: int, enabled: int, licensed: int | None, weak: bool, reason: str
    ) -> None:
        feature = CoreFeatureUse(
            slug="templates",
            enabled_date=days_ago(enabled),
            users=DailyUsers(user_days=user_days, recorded_days=10),
            licensed_users=licensed,
        )

        found = rules.weak_core_features(features=[feature], on=TODAY)

        assert found == (("templates",) if weak else ()), reason

    def test_the_weakest_comes_first_and_equals_are_in_the_order_of_their_names(self) -> None:
        features = [
            CoreFeatureUse(
                slug=slug,
                enabled_date=days_ago(60),
                users=DailyUsers(user_days=user_days, recorded_days=10),
                licensed_users=10,
            )
            for slug, user_days in (("templates", 20), ("email_warmup", 20), ("unified_inbox", 5))
        ]

        found = rules.weak_core_features(features=features, on=TODAY)

        assert found == ("unified_inbox", "email_warmup", "templates")


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


class TestFeedbackPriority:
    @pytest.mark.parametrize(
        ("submission", "score", "priority", "reason"),
        [
            (
                (9, Tier.ENTERPRISE, 1, Zone.YELLOW),
                "74",
                Priority.P1,
                "the specification's example",
            ),
            ((10, Tier.ENTERPRISE, 10, Zone.RED), "100", Priority.P0, "the highest there is"),
            ((1, Tier.SMALL_BUSINESS, 1, Zone.GREEN), "24", Priority.P3, "the lowest there is"),
            ((9, Tier.ENTERPRISE, 2, Zone.YELLOW), "80", Priority.P1, "a second customer"),
            ((9, Tier.ENTERPRISE, 4, Zone.YELLOW), "86", Priority.P0, "a fourth customer"),
            ((8, Tier.MID_MARKET, 1, Zone.GREEN), "58", Priority.P2, "middle of the field"),
            ((9, Tier.MID_MARKET, 1, Zone.YELLOW), "68", Priority.P1, "a tier lower"),
            ((9, Tier.ENTERPRISE, 1, None), "75", Priority.P1, "no health: 60 of 80 points"),
        ],
    )
    def test_impact_tier_prevalence_and_risk_are_weighted_4_2_2_2(
        self,
        submission: tuple[int, Tier, int, Zone | None],
        score: str,
        priority: Priority,
        reason: str,
    ) -> None:
        impact, tier, reporters, zone = submission

        found = rules.feedback_priority(
            impact_score=impact, tier=tier, reporters=reporters, zone=zone
        )

        assert (found.score, found.priority) == (Decimal(score), priority), reason

    def test_the_parts_of_the_example_are_kept(self) -> None:
        found = rules.feedback_priority(
            impact_score=9, tier=Tier.ENTERPRISE, reporters=1, zone=Zone.YELLOW
        )

        assert found.parts == PriorityParts(
            impact=Decimal(90), tier=Decimal(100), prevalence=Decimal(20), risk=Decimal(70)
        )
        assert found.reasons == ()

    def test_a_customer_without_health_is_scored_on_the_other_parts_and_told_so(self) -> None:
        found = rules.feedback_priority(
            impact_score=9, tier=Tier.ENTERPRISE, reporters=1, zone=None
        )

        assert found.parts.risk is None
        assert "no computed health" in found.reasons[0]

    @pytest.mark.parametrize(
        ("reporters", "points"),
        [(0, 20), (1, 20), (2, 50), (3, 50), (4, 80), (9, 80), (10, 100), (1_000, 100)],
    )
    def test_prevalence_has_four_bands(self, reporters: int, points: int) -> None:
        assert rules.prevalence_points(reporters=reporters) == points

    @pytest.mark.parametrize(
        ("points", "priority"),
        [
            ("100", Priority.P0),
            ("85", Priority.P0),
            ("84.995", Priority.P0),  # rounds to 85.00, and the score and the word agree
            ("84.99", Priority.P1),
            ("65", Priority.P1),
            ("64.99", Priority.P2),
            ("45", Priority.P2),
            ("44.99", Priority.P3),
            ("0", Priority.P3),
        ],
    )
    def test_priorities_begin_at_85_65_and_45(self, points: str, priority: Priority) -> None:
        alike = Decimal(points)
        parts = PriorityParts(impact=alike, tier=alike, prevalence=alike, risk=alike)

        assert rules.priority_of(parts=parts).priority is priority

    @given(
        st.integers(1, 9),
        st.sampled_from(Tier),
        st.integers(1, 20),
        st.sampled_from([*Zone, None]),
    )
    def test_more_impact_or_more_reporters_never_lower_it(
        self, impact: int, tier: Tier, reporters: int, zone: Zone | None
    ) -> None:
        base = rules.feedback_priority(
            impact_score=impact, tier=tier, reporters=reporters, zone=zone
        )
        harder = rules.feedback_priority(
            impact_score=impact + 1, tier=tier, reporters=reporters, zone=zone
        )
        wider = rules.with_prevalence(parts=base.parts, reporters=reporters + 1)

        assert 0 <= base.score <= 100
        assert harder.score > base.score
        assert wider.score >= base.score
        assert harder.priority <= base.priority
        assert wider.priority <= base.priority

    @given(st.integers(1, 10), st.integers(1, 20))
    def test_worse_health_and_a_larger_tier_never_lower_it(
        self, impact: int, reporters: int
    ) -> None:
        by_zone, by_tier = (
            [
                rules.feedback_priority(
                    impact_score=impact, tier=tier, reporters=reporters, zone=zone
                ).score
                for tier, zone in cases
            ]
            for cases in (
                [(Tier.MID_MARKET, zone) for zone in (Zone.GREEN, Zone.YELLOW, Zone.RED)],
                [(tier, Zone.YELLOW) for tier in reversed(Tier)],
            )
        )

        assert by_zone == sorted(by_zone)
        assert by_tier == sorted(by_tier)

    @given(st.integers(1, 10), st.sampled_from(Tier), st.integers(1, 20), st.sampled_from(Zone))
    def test_a_siblings_new_prevalence_gives_what_scoring_it_afresh_would(
        self, impact: int, tier: Tier, reporters: int, zone: Zone
    ) -> None:
        alone = rules.feedback_priority(impact_score=impact, tier=tier, reporters=1, zone=zone)

        assert rules.with_prevalence(
            parts=alone.parts, reporters=reporters
        ) == rules.feedback_priority(impact_score=impact, tier=tier, reporters=reporters, zone=zone)


class TestTickets:
    LOW = TicketPriority(score=Decimal(40), priority=Priority.P3)
    HIGH = TicketPriority(score=Decimal(90), priority=Priority.P0)
    EXAMPLE = rules.feedback_priority(
        impact_score=9, tier=Tier.ENTERPRISE, reporters=1, zone=Zone.YELLOW
    )

    @pytest.mark.parametrize(
        ("current", "expected", "reason"),
        [
            (None, ("74", Priority.P1), "a new ticket takes its first submission's"),
            (LOW, ("74", Priority.P1), "it rises"),
            (HIGH, ("90", Priority.P0), "it never falls"),
        ],
    )
    def test_a_tickets_priority_only_rises(
        self, current: TicketPriority | None, expected: tuple[str, Priority], reason: str
    ) -> None:
        found = rules.ticket_priority(current=current, proposed=[self.EXAMPLE])

        assert (found.score, found.priority) == (Decimal(expected[0]), expected[1]), reason

    def test_the_most_urgent_submission_decides(self) -> None:
        lesser = rules.feedback_priority(
            impact_score=1, tier=Tier.ENTERPRISE, reporters=1, zone=Zone.YELLOW
        )

        found = rules.ticket_priority(current=None, proposed=[lesser, self.EXAMPLE, lesser])

        assert found == TicketPriority(score=Decimal(74), priority=Priority.P1)

    def test_a_ticket_without_any_standing_is_refused(self) -> None:
        with pytest.raises(ValueError, match="empty"):
            rules.ticket_priority(current=None, proposed=[])

    @pytest.mark.parametrize(
        ("age", "evidence", "open_ticket", "choice", "reason"),
        [
            (timedelta(0), "shot", 7, TicketMove.REPEAT, "sent twice at once"),
            (timedelta(hours=24), "shot", 7, TicketMove.REPEAT, "within 24 hours"),
            (timedelta(hours=24, seconds=1), "shot", 7, TicketMove.APPEND, "a day has passed"),
            (timedelta(hours=1), "Shot", 7, TicketMove.APPEND, "other evidence, even by case"),
            (timedelta(hours=1), "shot", None, TicketMove.REPEAT, "closed since, still a repeat"),
            (timedelta(hours=1), "log", None, TicketMove.OPEN, "closed: new evidence, new ticket"),
            (-timedelta(seconds=1), "shot", 7, TicketMove.REPEAT, "the other request came first"),
        ],
    )
    def test_a_submission_repeats_appends_or_opens(
        self,
        age: timedelta,
        evidence: str,
        open_ticket: int | None,
        choice: TicketMove,
        reason: str,
    ) -> None:
        earlier = EarlierFeedback(
            feedback_id=3, ticket_number=7, evidence="shot", submitted_at=NOON - age
        )

        found = rules.choose_ticket(
            evidence=evidence, at=NOON, earlier=[earlier], open_ticket=open_ticket
        )

        assert (
            found
            == {
                TicketMove.REPEAT: TicketChoice(
                    move=TicketMove.REPEAT, ticket_number=7, feedback_id=3
                ),
                TicketMove.APPEND: TicketChoice(move=TicketMove.APPEND, ticket_number=7),
                TicketMove.OPEN: TicketChoice(move=TicketMove.OPEN),
            }[choice]
        ), reason

    def test_the_first_submission_opens_a_ticket(self) -> None:
        found = rules.choose_ticket(evidence="shot", at=NOON, earlier=[], open_ticket=None)

        assert found == TicketChoice(move=TicketMove.OPEN)

    def test_of_several_repeats_the_latest_is_answered_again(self) -> None:
        earlier = [
            EarlierFeedback(
                feedback_id=number,
                ticket_number=number * 10,
                evidence="shot",
                submitted_at=NOON - timedelta(hours=10 - number),
            )
            for number in (1, 3, 2)
        ]

        found = rules.choose_ticket(evidence="shot", at=NOON, earlier=earlier, open_ticket=30)

        assert (found.ticket_number, found.feedback_id) == (30, 3)

    @pytest.mark.parametrize(
        ("text", "number", "reason"),
        [
            ("PROD-1234", 1234, "the specification's form"),
            ("PROD-1", 1, "the first ticket"),
            ("PROD-0", None, "numbers begin at 1"),
            ("PROD-01", None, "one way to write a number"),
            ("prod-1", None, "case matters"),
            ("PROD-", None, "no number"),
            ("PROD-12x", None, "not a number"),
            ("PROD-1\n", None, "nothing may follow"),
            ("PROD-\u0661", None, "only the digits 0 to 9"),
            ("PROD-" + "9" * 18, 10**18 - 1, "the longest number that always fits"),
            ("PROD-" + "9" * 19, None, "would not fit the database"),
        ],
    )
    def test_a_ticket_id_is_read_strictly(self, text: str, number: int | None, reason: str) -> None:
        assert rules.ticket_number(text) == number, reason

    @given(st.integers(1, 10**18 - 1))
    def test_a_written_ticket_id_is_read_back(self, number: int) -> None:
        assert rules.ticket_number(rules.ticket_id(number)) == number


class TestRoadmap:
    @pytest.mark.parametrize(
        ("day", "priority", "label", "target", "reason"),
        [
            (date(2026, 5, 20), Priority.P0, "Q2_target", date(2026, 6, 30), "this quarter"),
            (date(2026, 2, 10), Priority.P1, "Q2_target", date(2026, 6, 30), "the next"),
            (date(2026, 5, 20), Priority.P2, "Q4_target", date(2026, 12, 31), "two ahead"),
            (date(2026, 5, 20), Priority.P3, "backlog", None, "no quarter"),
            (date(2026, 12, 31), Priority.P0, "Q4_target", date(2026, 12, 31), "the last day"),
            (date(2026, 12, 31), Priority.P1, "Q1_target", date(2027, 3, 31), "over the new year"),
            (date(2026, 12, 31), Priority.P2, "Q2_target", date(2027, 6, 30), "over the new year"),
            (date(2027, 1, 1), Priority.P0, "Q1_target", date(2027, 3, 31), "the first day"),
            (date(2026, 9, 30), Priority.P2, "Q1_target", date(2027, 3, 31), "from the third"),
            (date(2028, 2, 29), Priority.P1, "Q2_target", date(2028, 6, 30), "leap day"),
        ],
    )
    def test_without_a_roadmap_item_the_priority_gives_the_quarter(
        self, day: date, priority: Priority, label: str, target: date | None, reason: str
    ) -> None:
        found = rules.roadmap_position(priority=priority, planned=[], as_of=day)

        assert (found.label, found.target_date) == (label, target), reason
        assert found.basis is RoadmapBasis.PRIORITY

    @pytest.mark.parametrize(
        ("planned", "label", "basis", "reason"),
        [
            ([Quarter(2027, 2)], "Q2_target", RoadmapBasis.ROADMAP_ITEM, "planned for next year"),
            ([Quarter(2026, 2)], "Q2_target", RoadmapBasis.ROADMAP_ITEM, "planned for now"),
            (
                [Quarter(2027, 2), Quarter(2026, 4)],
                "Q4_target",
                RoadmapBasis.ROADMAP_ITEM,
                "the earliest of several",
            ),
            ([Quarter(2026, 1)], "Q3_target", RoadmapBasis.PRIORITY, "a missed quarter is no plan"),
            (
                [Quarter(2026, 1), Quarter(2026, 4)],
                "Q4_target",
                RoadmapBasis.ROADMAP_ITEM,
                "only the missed one is passed over",
            ),
        ],
    )
    def test_a_roadmap_item_decides_before_the_priority(
        self, planned: list[Quarter], label: str, basis: RoadmapBasis, reason: str
    ) -> None:
        found = rules.roadmap_position(priority=Priority.P1, planned=planned, as_of=TODAY)

        assert (found.label, found.basis) == (label, basis), reason

    @pytest.mark.parametrize(
        ("promised", "proposed", "quarter", "basis", "reason"),
        [
            (None, (2026, 3), (2026, 3), RoadmapBasis.PRIORITY, "nothing was promised"),
            ((2026, 2), (2026, 3), (2026, 2), RoadmapBasis.PROMISE, "evidence must not delay it"),
            ((2026, 4), (2026, 2), (2026, 2), RoadmapBasis.PRIORITY, "risen: earlier"),
            ((2026, 3), (2026, 3), (2026, 3), RoadmapBasis.PROMISE, "unchanged"),
            ((2026, 1), (2026, 3), (2026, 3), RoadmapBasis.PRIORITY, "the promise has passed"),
            ((2026, 3), None, (2026, 3), RoadmapBasis.PROMISE, "never back to the backlog"),
            ((2026, 1), None, None, RoadmapBasis.PRIORITY, "passed, and P3: the backlog"),
        ],
    )
    def test_a_promised_quarter_is_kept_or_moved_forward(
        self,
        promised: tuple[int, int] | None,
        proposed: tuple[int, int] | None,
        quarter: tuple[int, int] | None,
        basis: RoadmapBasis,
        reason: str,
    ) -> None:
        found = rules.kept_position(
            promised=Quarter(*promised).last_day if promised else None,
            proposed=RoadmapPosition(
                quarter=Quarter(*proposed) if proposed else None, basis=RoadmapBasis.PRIORITY
            ),
            as_of=TODAY,
        )

        assert found == RoadmapPosition(
            quarter=Quarter(*quarter) if quarter else None, basis=basis
        ), reason

    def test_a_roadmap_item_moves_even_a_promised_quarter(self) -> None:
        planned = RoadmapPosition(quarter=Quarter(2027, 1), basis=RoadmapBasis.ROADMAP_ITEM)

        found = rules.kept_position(promised=date(2026, 6, 30), proposed=planned, as_of=TODAY)

        assert found == planned

    @pytest.mark.parametrize(
        ("promised", "label"), [(date(2026, 3, 31), "Q1_target"), (None, "backlog")]
    )
    def test_a_closed_ticket_stays_where_it_was(self, promised: date | None, label: str) -> None:
        found = rules.promised_position(promised=promised)

        assert (found.label, found.target_date) == (label, promised)
        assert found.basis is RoadmapBasis.PROMISE

    @given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 40))
    def test_quarters_hold_their_days_and_count_on_without_gaps(
        self, day: date, ahead: int
    ) -> None:
        quarter = Quarter.of(day)

        assert quarter.last_day >= day
        assert Quarter.of(quarter.last_day) == quarter
        assert Quarter.of(quarter.last_day + timedelta(days=1)) == quarter.ahead(1)
        assert quarter.ahead(ahead).ahead(1) == quarter.ahead(ahead + 1)
        assert quarter.ahead(ahead) >= quarter

    @given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
    def test_a_more_urgent_ticket_is_never_later(self, day: date) -> None:
        targets = [
            rules.roadmap_position(priority=priority, planned=[], as_of=day).target_date
            for priority in Priority
        ]

        assert targets[-1] is None
        dates = [target for target in targets if target is not None]
        assert dates == sorted(dates)
        assert dates[0] >= day
