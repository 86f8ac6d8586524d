"""The wire of the marketing operations."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from cs_integrations.api.formats import half_up
from cs_integrations.api.serializers import (
    AnswerOut,
    CodeField,
    NumberField,
    StrictListField,
    StrictSerializer,
)
from cs_integrations.api.trail import Trail
from marketing import rules
from marketing.models import Campaign, choices
from marketing.rules import PARAMETERS

ZERO, FULL_SCORE = Decimal(0), Decimal(100)
HUNDREDTH = Decimal("0.01")  # of a point: what the table of scores holds
MILESTONE_CODE = r"^[a-z][a-z0-9_-]{0,49}$"


class TriggerIn(StrictSerializer):
    health_score = NumberField(
        low=ZERO, high=FULL_SCORE, help_text="0 to 100 points; kept in hundredths."
    )
    risk_category = CodeField(
        codes=tuple(code.value for code in rules.StatedRisk),
        required=False,
        help_text="Left out: what the score implies. At most one band better than the score.",
    )
    milestones = StrictListField(
        child=serializers.RegexField(MILESTONE_CODE),
        required=False,
        default=list,
        max_length=PARAMETERS.milestones_max,
        is_unique=True,
        help_text="Codes of the milestone catalogue, each once.",
    )

    # Anything that looks like a code passes for a milestone until it is looked up.
    trail = Trail(plain=("health_score", "risk_category"), hashed=("milestones",))


class TriggerOut(AnswerOut):
    campaign_id = serializers.CharField(
        allow_null=True, help_text="New or reused; null when no sequence is started."
    )
    triggered_sequences = serializers.ListField(
        child=serializers.ChoiceField(choices=choices(rules.SequenceCode)),
        help_text="Started and already running sequences, most urgent first.",
    )
    estimated_impact = serializers.CharField(
        allow_null=True, help_text='Expected relative change, e.g. "15% health_uplift".'
    )

    trail = Trail(plain=("campaign_id", "triggered_sequences", "estimated_impact"))


class PerformanceOut(AnswerOut):
    attribution_to_cs = serializers.CharField(
        help_text='Share of Customer Success in the revenue, e.g. "42%".'
    )
    health_correlation = serializers.FloatField(
        allow_null=True,
        min_value=-1,
        max_value=1,
        help_text="Pearson's r of engagement and change of health; null for too little data.",
    )
    revenue_impact = serializers.CharField(help_text='Revenue the campaign claims, e.g. "$12,500".')

    trail = Trail(plain=("attribution_to_cs", "health_correlation", "revenue_impact"))


class CampaignOut(AnswerOut):
    campaign_id = serializers.CharField()
    status = serializers.ChoiceField(choices=Campaign.Status.choices)
    kind = serializers.ChoiceField(choices=choices(rules.CampaignKind))
    sequences = serializers.ListField(
        child=serializers.ChoiceField(choices=choices(rules.SequenceCode)),
        help_text="Sequences that anybody was enrolled in, most urgent first.",
    )
    started_at = serializers.DateTimeField()
    enrollments = serializers.IntegerField(min_value=0, help_text="Ever made, running or ended.")

    trail = Trail(plain=("campaign_id", "status", "kind", "sequences", "started_at", "enrollments"))


def signal(members: Mapping[str, Any]) -> rules.HealthSignal:
    """Return the checked members as the value that the rules take."""
    stated = members.get("risk_category")
    return rules.HealthSignal(
        health_score=half_up(members["health_score"], HUNDREDTH),
        stated=None if stated is None else rules.StatedRisk(stated),
        milestones=tuple(members["milestones"]),
    )
