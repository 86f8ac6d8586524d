"""Which sequences fit a customer, read as the specification. No database."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cs_integrations.customers.health import RiskCategory, Zone
from marketing import rules
from marketing.rules import (
    CAMPAIGN_KINDS,
    CampaignKind,
    DropSign,
    HealthFall,
    SequenceCode,
    SuppressionReason,
)
from tests.marketing.rule_facts import ADOPTED, EXPANDED, KICKED_OFF, PROVED, RENEWED, facts, scores


def chosen(score, **changes):
    return [str(code) for code in rules.choose_sequences(facts=facts(score, **changes)).sequences]


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
