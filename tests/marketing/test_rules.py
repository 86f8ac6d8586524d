"""The rules of marketing, read as the specification. No database."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs_integrations.api.formats import money, percent
from cs_integrations.customers.health import (
    RiskCategory,
    Zone,
    renewal_probability,
    risk_category,
)
from cs_integrations.explanation import plain
from cs_integrations.parameters import DOC, PROPOSED, describe
from marketing import rules
from marketing.rules import (
    CAMPAIGN_KINDS,
    PARAMETERS,
    CampaignKind,
    Contact,
    DatedScore,
    DropSign,
    EngagementCounts,
    Enrolled,
    FinishedSample,
    HealthFall,
    HealthSignal,
    Participant,
    ReachedMilestone,
    RevenueFact,
    RevenueKind,
    SequenceCode,
    ShareBasis,
    StatedRisk,
    SuppressionReason,
    TriggerFacts,
)

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
TODAY = NOON.date()
STEADY = HealthFall()
ADOPTED = ReachedMilestone("adoption_complete", "adoption")
KICKED_OFF = ReachedMilestone("kickoff_complete", "onboarding")
RENEWED = ReachedMilestone("renewal_achieved", "renewal")
EXPANDED = ReachedMilestone("expansion_delivered", "expansion")
PROVED = ReachedMilestone("roi_demonstrated", "value")
WILLING = Contact(stakeholder_id=1, is_opted_out=False, messages_sent=0)

scores = st.decimals(min_value=0, max_value=100, places=2)


def facts(score, **changes):
    """A customer of this score about whom nothing else is known; category from the score."""
    known = {"category": risk_category(Decimal(score)), "fall": STEADY} | changes
    return TriggerFacts(health_score=Decimal(score), **known)


def chosen(score, **changes):
    return [str(code) for code in rules.choose_sequences(facts=facts(score, **changes)).sequences]


def plan(choice_facts, *, contacts=(WILLING,), active=None):
    choice = rules.choose_sequences(facts=choice_facts)
    return rules.plan_enrollments(choice=choice, contacts=contacts, active=active or {})


class TestParameters:
    def test_every_constant_names_its_unit_and_source(self):
        for note in describe(PARAMETERS):
            assert note.unit, note.name
            assert note.source, note.name
            assert note.standing in {DOC, PROPOSED}, note.name

    def test_every_sequence_has_a_campaign_kind(self):
        assert set(CAMPAIGN_KINDS) == set(SequenceCode)


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


class TestChoiceOfSequences:
    @pytest.mark.parametrize(
        ("score", "changes", "sequences", "why"),
        [
            ("75", {"milestones": (ADOPTED,)}, ["onboarding_nurture"], "specification's example"),
            ("59.99", {}, ["critical_rescue"], "row 1: just under 60 is red"),
            ("0", {}, ["critical_rescue"], "row 1: the lowest score"),
            (
                "95",
                {"category": RiskCategory.CRITICAL},
                ["critical_rescue"],
                "row 1: stated critical, whatever the score",
            ),
            ("65", {}, ["retention_recovery"], "row 2, ITP T1.1: 65 is yellow and at risk"),
            ("60", {}, ["retention_recovery"], "row 2: 60 is yellow"),
            (
                "75",
                {"category": RiskCategory.AT_RISK},
                ["retention_recovery"],
                "row 2: stated at risk",
            ),
            (
                "85",
                {"category": RiskCategory.AT_RISK},
                [],
                "row 2 is for the yellow zone; green and not monitor: nothing",
            ),
            ("70", {"fall": HealthFall(signs=(DropSign.SUDDEN,))}, ["retention_recovery"], "row 2"),
            (
                "70",
                {"fall": HealthFall(signs=(DropSign.MONTHLY,))},
                ["retention_recovery"],
                "row 2",
            ),
            ("70", {"fall": HealthFall(signs=(DropSign.TREND,))}, ["retention_recovery"], "row 2"),
            ("85", {"fall": HealthFall(signs=(DropSign.SUDDEN,))}, [], "row 2: not in green"),
            ("90", {"milestones": (KICKED_OFF,)}, ["onboarding_nurture"], "row 3: onboarding"),
            ("59", {"milestones": (ADOPTED,)}, ["critical_rescue"], "row 3: not in red"),
            ("90", {"milestones": (PROVED,)}, [], "row 3: a value milestone nurtures nobody"),
            ("75", {"milestones": (RENEWED,)}, ["milestone_celebration"], "row 4: yellow"),
            (
                "80",
                {"milestones": (EXPANDED,)},
                ["milestone_celebration", "advocacy_invite"],
                "row 4: green also invites",
            ),
            ("40", {"milestones": (RENEWED,)}, ["critical_rescue"], "row 4: not in red"),
            (
                "85",
                {"readiness": Decimal("80.01")},
                ["expansion_nurture"],
                "row 5, ITP T1.2: over 80",
            ),
            ("85", {"readiness": Decimal(80)}, [], "row 5: 80 is not over 80"),
            ("85", {"readiness": None}, [], "row 5: readiness not known"),
            ("75", {"readiness": Decimal(92)}, ["adoption_acceleration"], "row 5: not in yellow"),
            (
                "85",
                {"readiness": Decimal(92), "highest_open_tier": 2},
                ["expansion_nurture"],
                "row 5: tier 2 blocks nothing",
            ),
            ("85", {"readiness": Decimal(92), "highest_open_tier": 3}, [], "row 5: blocking case"),
            (
                "85",
                {"weak_core_features": ("templates",)},
                ["feature_adoption_boost"],
                "row 6, ITP T3.1",
            ),
            (
                "55",
                {"weak_core_features": ("templates",)},
                ["critical_rescue", "feature_adoption_boost"],
                "rows 1 and 6: groups add up",
            ),
            ("75", {"churned_months": 0}, ["winback_recent"], "row 7: churned this month"),
            ("75", {"churned_months": 2}, ["winback_recent"], "row 7: under 3 months"),
            ("75", {"churned_months": 3}, ["winback_mid"], "row 7: from 3 months"),
            ("75", {"churned_months": 5}, ["winback_mid"], "row 7: under 6 months"),
            ("75", {"churned_months": 6}, ["winback_long"], "row 7: from 6 months"),
            (
                "20",
                {"churned_months": 4, "milestones": (ADOPTED,), "weak_core_features": ("x",)},
                ["winback_mid"],
                "row 7: who has left is won back and nothing else",
            ),
            ("75", {}, ["adoption_acceleration"], "row 8: monitor and nothing else"),
            (
                "85",
                {"category": RiskCategory.MONITOR},
                ["adoption_acceleration"],
                "row 8: stated monitor",
            ),
            ("85", {}, [], "row 9: healthy and nothing to say"),
            (
                "65",
                {"milestones": (RENEWED, ADOPTED), "weak_core_features": ("templates",)},
                [
                    "retention_recovery",
                    "onboarding_nurture",
                    "milestone_celebration",
                    "feature_adoption_boost",
                ],
                "order of priority, not of the request",
            ),
        ],
    )
    def test_follows_the_table(self, score, changes, sequences, why):
        assert chosen(score, **changes) == sequences, why

    @pytest.mark.parametrize(
        ("score", "changes", "reason"),
        [
            ("50", {}, SuppressionReason.RED_ZONE),
            ("90", {"category": RiskCategory.CRITICAL}, SuppressionReason.RESCUE_FIRST),
            ("90", {"highest_open_tier": 4}, SuppressionReason.BLOCKING_CASE),
        ],
    )
    def test_says_why_a_ready_customer_is_offered_nothing(self, score, changes, reason):
        choice = rules.choose_sequences(facts=facts(score, readiness=Decimal(92), **changes))

        assert [item.reason for item in choice.suppressed] == [reason]
        assert not choice.creates_lead
        assert choice.suppressed[0].sentence.startswith("expansion_nurture is not started: ")

    def test_starts_the_escalation_workflow_with_a_rescue_only(self):
        rescue = rules.choose_sequences(facts=facts("45"))
        retention = rules.choose_sequences(facts=facts("65"))

        assert (rescue.workflow, rescue.workflow_tier) == ("wf_executive_escalation", 3)
        assert retention.workflow is None

    def test_creates_a_lead_with_the_expansion_sequence(self):
        assert rules.choose_sequences(facts=facts("85", readiness=Decimal(81))).creates_lead
        assert not rules.choose_sequences(facts=facts("85")).creates_lead

    @given(
        score=scores,
        category=st.sampled_from(RiskCategory),
        signs=st.lists(st.sampled_from(DropSign), unique=True),
        milestones=st.lists(st.sampled_from([ADOPTED, KICKED_OFF, RENEWED, EXPANDED, PROVED])),
        readiness=st.none() | scores,
        tier=st.none() | st.integers(1, 4),
        weak=st.lists(st.sampled_from(["templates", "unified_inbox"]), unique=True),
        churned=st.none() | st.integers(0, 24),
    )
    def test_keeps_its_promises_for_any_customer(
        self, *, score, category, signs, milestones, readiness, tier, weak, churned
    ):
        choice = rules.choose_sequences(
            facts=facts(
                score,
                category=category,
                fall=HealthFall(signs=tuple(signs)),
                milestones=tuple(milestones),
                readiness=readiness,
                highest_open_tier=tier,
                weak_core_features=tuple(weak),
                churned_months=churned,
            )
        )

        codes = choice.sequences
        rows = [match.row for match in choice.matches]
        assert len(set(codes)) == len(codes), "no sequence twice"
        assert rows == sorted(rows), "in order of priority"
        assert rows.count(1) + rows.count(2) <= 1, "one rescue or retention sequence at most"
        if choice.zone is Zone.RED:
            assert SequenceCode.EXPANSION_NURTURE not in codes, "red suppresses expansion"
        if churned is not None:
            assert [CAMPAIGN_KINDS[code] for code in codes] == [CampaignKind.WINBACK]
        assert not {item.sequence for item in choice.suppressed} & set(codes)


class TestMonthsSinceChurn:
    @pytest.mark.parametrize(
        ("start", "end", "months", "why"),
        [
            ("2026-01-15", "2026-01-15", 0, "the same day"),
            ("2026-01-15", "2026-04-14", 2, "a day short of three months"),
            ("2026-01-15", "2026-04-15", 3, "three months to the day"),
            ("2026-01-31", "2026-02-28", 1, "the last day of a shorter month"),
            ("2024-01-31", "2024-02-28", 0, "a leap year's February has a day more"),
            ("2024-02-29", "2025-02-28", 12, "a leap day's year"),
            ("2025-11-30", "2026-02-28", 3, "over the turn of the year"),
            ("2026-05-01", "2026-03-31", 0, "a date to come is never negative"),
        ],
    )
    def test_are_full_calendar_months(self, start, end, months, why):
        start_date, end_date = date.fromisoformat(start), date.fromisoformat(end)

        assert rules.full_months(start=start_date, end=end_date) == months, why

    @given(start=st.dates(date(2020, 1, 1), date(2026, 1, 1)), days=st.integers(0, 900))
    def test_never_fall_as_time_goes_by(self, start, days):
        end = start + timedelta(days=days)
        now = rules.full_months(start=start, end=end)
        tomorrow = rules.full_months(start=start, end=end + timedelta(days=1))

        assert 0 <= tomorrow - now <= 1


class TestEnrollment:
    OPTED_OUT = Contact(stakeholder_id=2, is_opted_out=True, messages_sent=0)
    TWO_MAILS = Contact(stakeholder_id=3, is_opted_out=False, messages_sent=2)
    THREE_MAILS = Contact(stakeholder_id=4, is_opted_out=False, messages_sent=3)

    @pytest.mark.parametrize(
        ("contacts", "reachable", "reason", "why"),
        [
            ((WILLING,), [1], None, "a willing contact"),
            ((), [], "no_contact", "nobody to write to"),
            ((OPTED_OUT,), [], "opted_out", "opt-out is honored"),
            ((TWO_MAILS,), [3], None, "the next mail is the third of the week"),
            ((THREE_MAILS,), [], "frequency_cap", "the next mail would be the fourth"),
            ((OPTED_OUT, THREE_MAILS), [], "frequency_cap", "the willing one is at the cap"),
            ((OPTED_OUT, THREE_MAILS, WILLING), [1], None, "one reachable contact is enough"),
        ],
    )
    def test_needs_a_contact_who_may_be_written_to(self, contacts, reachable, reason, why):
        result = plan(facts("65"), contacts=contacts)

        assert list(result.reachable) == reachable, why
        if reason is None:
            assert result.started == (SequenceCode.RETENTION_RECOVERY,), why
            assert result.suppressed == (), why
        else:
            assert result.listed == (), why
            assert [item.reason for item in result.suppressed] == [reason], why
            assert result.campaign_kind is None, why
            assert result.reasons[-1] == (
                "campaign_id is null because every fitting sequence is held back."
            )

    def test_reuses_a_running_sequence_and_lists_it(self):
        result = plan(facts("65"), active={SequenceCode.RETENTION_RECOVERY: "camp_9"})

        assert result.listed == (SequenceCode.RETENTION_RECOVERY,)
        assert result.started == ()
        assert result.reused_campaign_id == "camp_9"
        assert result.reasons == ("retention_recovery already runs in camp_9.",)

    def test_reuses_a_running_sequence_even_after_an_opt_out(self):
        result = plan(
            facts("65", milestones=(ADOPTED,)),
            contacts=(self.OPTED_OUT,),
            active={SequenceCode.RETENTION_RECOVERY: "camp_9"},
        )

        assert result.listed == (SequenceCode.RETENTION_RECOVERY,)
        assert [item.sequence for item in result.suppressed] == [SequenceCode.ONBOARDING_NURTURE]

    def test_starts_a_campaign_for_what_does_not_run_yet(self):
        result = plan(
            facts("65", milestones=(ADOPTED,)),
            active={SequenceCode.RETENTION_RECOVERY: "camp_9"},
        )

        assert result.listed == (
            SequenceCode.RETENTION_RECOVERY,
            SequenceCode.ONBOARDING_NURTURE,
        )
        assert result.started == (SequenceCode.ONBOARDING_NURTURE,)
        assert result.campaign_kind is CampaignKind.LIFECYCLE
        assert result.reused_campaign_id is None, "the new campaign is the answer's"

    def test_leaves_alone_what_runs_and_was_not_chosen(self):
        result = plan(facts("65"), active={SequenceCode.ADVOCACY_INVITE: "camp_9"})

        assert result.reused == ()

    def test_of_nothing_says_that_nothing_fits(self):
        result = plan(facts("85"))

        assert result.listed == ()
        assert result.reasons == ("campaign_id is null because no sequence fits.",)

    @given(
        score=scores,
        milestones=st.lists(st.sampled_from([ADOPTED, RENEWED, PROVED])),
        mails=st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=4),
        running=st.sets(st.sampled_from(SequenceCode)),
    )
    def test_loses_and_doubles_no_sequence(self, score, milestones, mails, running):
        choice = rules.choose_sequences(facts=facts(score, milestones=tuple(milestones)))
        result = rules.plan_enrollments(
            choice=choice,
            contacts=[
                Contact(stakeholder_id=number, is_opted_out=is_out, messages_sent=sent)
                for number, (is_out, sent) in enumerate(mails)
            ],
            active=dict.fromkeys(running, "camp_9"),
        )

        held_back = [item.sequence for item in result.suppressed]
        reused = [item.sequence for item in result.reused]
        assert sorted([*result.started, *reused, *held_back]) == sorted(choice.sequences)
        assert set(result.listed) == {*result.started, *reused}
        assert list(result.listed) == [code for code in choice.sequences if code in result.listed]

    @pytest.mark.parametrize(
        ("age", "runs"),
        [
            (timedelta(0), True),
            (timedelta(days=30, seconds=-1), True),
            (timedelta(days=30), False),
        ],
    )
    def test_runs_thirty_days(self, age, runs):
        assert rules.is_running(started_at=NOON - age, at=NOON) is runs


class TestRepeats:
    @pytest.mark.parametrize(
        ("age", "is_repeat", "why"),
        [
            (timedelta(0), True, "at once"),
            (timedelta(hours=24, microseconds=-1), True, "inside 24 hours"),
            (timedelta(hours=24), False, "24 hours are over"),
            (timedelta(seconds=-1), True, "served second, but the clock was read first"),
        ],
    )
    def test_are_recognized_for_a_day(self, age, is_repeat, why):
        assert rules.is_natural_repeat(first_at=NOON - age, at=NOON) is is_repeat, why

    @pytest.mark.parametrize(
        ("changes", "is_equal", "why"),
        [
            ({}, True, "the same request"),
            ({"health_score": Decimal("75.00")}, True, "75.00 is 75"),
            ({"milestones": ("users_trained", "adoption_complete")}, True, "a set has no order"),
            ({"health_score": Decimal("75.01")}, False, "another score"),
            ({"stated": None}, False, "the category left out"),
            ({"stated": StatedRisk.LOW}, False, "another word"),
            ({"milestones": ("adoption_complete",)}, False, "a milestone less"),
        ],
    )
    def test_have_an_equal_fingerprint(self, changes, is_equal, why):
        signal = HealthSignal(
            health_score=Decimal(75),
            stated=StatedRisk.MONITOR,
            milestones=("adoption_complete", "users_trained"),
        )

        first = rules.request_fingerprint(signal=signal)
        second = rules.request_fingerprint(signal=replace(signal, **changes))

        assert (first == second) is is_equal, why
        assert len(first) == 64

    @pytest.mark.parametrize("score", ["0", "80", "100"])
    def test_see_through_trailing_zeros(self, score):
        short, padded = (HealthSignal(health_score=Decimal(score + end)) for end in ("", ".00"))

        assert rules.request_fingerprint(signal=short) == rules.request_fingerprint(signal=padded)


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
