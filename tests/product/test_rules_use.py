"""Use of a feature, as docs/rules/product.md states it; a reason stands in every row."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from product import rules
from product.rules import CoreFeatureUse, DailyUsers
from tests.product.rule_facts import TODAY, days_ago


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
