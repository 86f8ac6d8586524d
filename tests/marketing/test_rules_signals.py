"""What a trigger says of risk and falling health, read as the specification. No database."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs_integrations.customers.health import RiskCategory, risk_category
from marketing import rules
from marketing.rules import DatedScore, HealthFall, StatedRisk
from tests.marketing.rule_facts import NOON, scores

TODAY = NOON.date()


class TestRiskCategory:
    @pytest.mark.parametrize(
        ("score", "stated", "effective", "is_consistent", "why"),
        [
            ("75", "monitor", "monitor", True, "the specification's example"),
            ("75", None, "monitor", True, "left out: derived from the score"),
            ("80", None, "healthy", True, "80 is healthy"),
            ("79.99", None, "monitor", True, "just under 80 is monitor"),
            ("70", None, "monitor", True, "70 is monitor"),
            ("69.99", None, "at_risk", True, "just under 70 is at risk"),
            ("50", None, "at_risk", True, "50 is at risk"),
            ("49.99", None, "critical", True, "just under 50 is critical"),
            ("95", "critical", "critical", True, "a person may know worse, by any distance"),
            ("75", "at_risk", "at_risk", True, "one band worse"),
            ("75", "healthy", "monitor", True, "one band better is forgiven, and has no effect"),
            ("65", "healthy", "at_risk", False, "two bands better is refused"),
            ("45", "monitor", "critical", False, "two bands better is refused"),
            ("0", "healthy", "critical", False, "three bands better is refused"),
            ("45", "at_risk", "critical", True, "one band better than critical"),
            ("90", "low", "healthy", True, "low is healthy for a healthy score"),
            ("75", "low", "monitor", True, "low is monitor for a monitor score"),
            ("65", "low", "at_risk", True, "low is monitor here: one band better"),
            ("45", "low", "critical", False, "low is at best two bands better than critical"),
            ("90", "medium", "at_risk", True, "medium is at risk"),
            ("90", "high", "critical", True, "high is critical"),
        ],
    )
    def test_is_the_worse_of_stated_and_implied(self, score, stated, effective, is_consistent, why):
        word = None if stated is None else StatedRisk(stated)

        reading = rules.read_category(health_score=Decimal(score), stated=word)

        assert reading.effective == effective, why
        assert reading.is_consistent is is_consistent, why

    @given(score=scores, stated=st.sampled_from(StatedRisk) | st.none())
    def test_is_never_better_than_the_score(self, score, stated):
        reading = rules.read_category(health_score=score, stated=stated)

        order = list(RiskCategory)
        assert order.index(reading.effective) >= order.index(risk_category(score))
        assert reading.is_consistent is (reading.bands_better <= 1)


class TestFallingHealth:
    @pytest.mark.parametrize(
        ("score", "series", "signs", "why"),
        [
            ("65", {}, [], "nothing is computed from nothing"),
            ("65", {90: 70, 30: 85}, [], "exactly 20 points under the highest is not over 20"),
            ("65", {90: 70, 30: "85.01"}, ["sudden_drop"], "over 20 points, on the 30th day"),
            ("65", {31: 80}, [], "31 days ago is the last day of February; 15 points is not over"),
            ("65", {31: "80.01"}, ["monthly_drop"], "over 15 points since the previous month"),
            ("65", {58: "81.24", 31: 70}, [], "the month's last score counts, not its first"),
            ("65", {59: "81"}, [], "31 January is two months back"),
            ("64", {90: 80}, ["falling_trend"], "exactly 20% in 90 days is a falling trend"),
            ("64.01", {90: 80}, [], "under 20%"),
            ("64", {91: 80, 90: 79}, [], "the 91st day is outside the window"),
            ("60", {0: 81, 31: 80}, ["sudden_drop", "monthly_drop", "falling_trend"], "all three"),
            ("75", {60: 60, 0: 76}, [], "rising health is no fall"),
            ("0", {0: 0}, [], "no trend from a score of 0"),
        ],
    )
    def test_shows_in_three_signs(self, score, series, signs, why):
        computed = [
            DatedScore(measured_date=TODAY - timedelta(days=age), score=Decimal(value))
            for age, value in series.items()
        ]

        fall = rules.measure_fall(health_score=Decimal(score), measured_date=TODAY, scores=computed)

        assert list(fall.signs) == signs, why

    def test_is_unknown_in_parts_when_the_history_is_short(self):
        computed = [DatedScore(measured_date=TODAY, score=Decimal(76))]

        fall = rules.measure_fall(health_score=Decimal(75), measured_date=TODAY, scores=computed)

        assert fall.sudden_points == 1
        assert fall.monthly_points is None

    def test_is_not_read_from_a_trigger_older_than_the_series(self):
        computed = [
            DatedScore(measured_date=TODAY - timedelta(days=2), score=Decimal(99)),
            DatedScore(measured_date=TODAY + timedelta(days=1), score=Decimal(70)),
        ]

        fall = rules.measure_fall(health_score=Decimal(60), measured_date=TODAY, scores=computed)

        assert fall == HealthFall(is_stale=True)

    @given(
        score=scores,
        series=st.lists(st.tuples(st.integers(0, 120), scores), max_size=8),
    )
    def test_does_not_depend_on_the_order_of_the_series(self, score, series):
        by_day = [
            DatedScore(measured_date=TODAY - timedelta(days=age), score=value)
            for age, value in dict(series).items()
        ]

        forward = rules.measure_fall(health_score=score, measured_date=TODAY, scores=by_day)
        backward = rules.measure_fall(
            health_score=score, measured_date=TODAY, scores=reversed(by_day)
        )

        assert forward == backward
