"""The expected change of health, read as the specification. No database."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketing import rules
from marketing.rules import PARAMETERS, FinishedSample, SequenceCode
from tests.marketing.rule_facts import scores


class TestEstimatedImpact:
    NURTURE = SequenceCode.ONBOARDING_NURTURE
    RETENTION = SequenceCode.RETENTION_RECOVERY
    WINBACK = SequenceCode.WINBACK_RECENT

    @pytest.mark.parametrize(
        ("score", "samples", "text", "why"),
        [
            ("75", {NURTURE: None}, "15% health_uplift", "the specification's: no history"),
            ("75", {NURTURE: (5, "25")}, "20% health_uplift", "five of 25% against five of 15%"),
            ("75", {NURTURE: (1, "21")}, "16% health_uplift", "one enrollment moves a sixth"),
            ("60", {NURTURE: (95, "35")}, "34% health_uplift", "history outweighs the prior"),
            ("75", {NURTURE: (5, "-15")}, "0% health_uplift", "equal and opposite"),
            ("75", {NURTURE: (50, "-15")}, "0% health_uplift", "never below 0"),
            (
                "75",
                {NURTURE: (5, "25"), RETENTION: (5, "5")},
                "20% health_uplift",
                "the largest counts, effects are not added",
            ),
            ("75", {RETENTION: (5, "5"), NURTURE: None}, "15% health_uplift", "the largest"),
            ("90", {NURTURE: None}, "11% health_uplift", "capped at 10 of 90 points"),
            ("100", {NURTURE: None}, "0% health_uplift", "nothing is left above 100"),
            ("0", {NURTURE: None}, "15% health_uplift", "no cap at a score of 0"),
            ("40", {WINBACK: None}, "0% health_uplift", "win-back promises no health"),
            ("40", {WINBACK: (5, "20")}, "10% health_uplift", "but its history counts"),
            ("75", {}, None, "no sequence, no estimate"),
        ],
    )
    def test_follows_history_and_prior(self, score, samples, text, why):
        estimate = rules.estimate_impact(
            health_score=Decimal(score),
            sequences=tuple(samples),
            samples={
                code: FinishedSample(size=sample[0], mean_change_pct=Decimal(sample[1]))
                for code, sample in samples.items()
                if sample
            },
        )

        assert estimate.text == text, why

    def test_names_the_sequence_that_gives_the_number(self):
        estimate = rules.estimate_impact(
            health_score=Decimal(75),
            sequences=(self.RETENTION, self.NURTURE),
            samples={self.NURTURE: FinishedSample(size=3, mean_change_pct=Decimal(40))},
        )

        assert estimate.leading.sequence is self.NURTURE
        assert estimate.leading.size == 3

    @pytest.mark.parametrize(
        ("score", "change", "reason"),
        [
            ("90", "50", "Capped at 11%: a score cannot pass 100."),
            ("75", "-90", "A fall is not offered as an uplift: 0%."),
        ],
    )
    def test_says_what_was_capped(self, score, change, reason):
        estimate = rules.estimate_impact(
            health_score=Decimal(score),
            sequences=(self.NURTURE,),
            samples={self.NURTURE: FinishedSample(size=20, mean_change_pct=Decimal(change))},
        )

        assert estimate.reasons == (reason,)

    @given(score=scores, size=st.integers(1, 500), change=st.decimals(-100, 300, places=3))
    def test_lies_between_nothing_and_a_full_score(self, score, size, change):
        sample = FinishedSample(size=size, mean_change_pct=change)

        estimate = rules.estimate_impact(
            health_score=score, sequences=(self.NURTURE,), samples={self.NURTURE: sample}
        )

        assert estimate.value_pct >= 0
        assert score * (100 + estimate.value_pct) <= Decimal("10000.0001")
        low, high = sorted((change, PARAMETERS.prior_uplift_pct))
        tolerance = Decimal("1e-20")
        assert low - tolerance <= estimate.leading.estimate_pct <= high + tolerance

    @given(size=st.integers(1, 500), changes=st.tuples(*[st.decimals(-50, 50, places=2)] * 2))
    def test_never_falls_with_a_better_history(self, size, changes):
        worse, better = (
            rules.estimate_impact(
                health_score=Decimal(60),
                sequences=(self.NURTURE,),
                samples={self.NURTURE: FinishedSample(size=size, mean_change_pct=change)},
            ).value_pct
            for change in sorted(changes)
        )

        assert worse <= better
