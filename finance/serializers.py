"""The wire of the finance operations."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from cs_integrations.api.serializers import (
    AnswerOut,
    MoneyField,
    NumberField,
    StrictListField,
    StrictSerializer,
    TextField,
)
from cs_integrations.api.trail import Trail
from finance import rules
from finance.models import ForecastAdjustment

ZERO, ONE = Decimal(0), Decimal(1)


class RealizationOut(AnswerOut):
    delivery_vs_commit = serializers.CharField(
        allow_null=True, help_text='Delivered against committed value that is due, e.g. "102%".'
    )
    utilization_gaps = serializers.ListField(
        child=serializers.CharField(),
        help_text='Entitled features used under 60%, with the level reached: "feature_x_45%".',
    )
    roi_trajectory = serializers.CharField(
        allow_null=True,
        help_text='Projected return on the cost of Customer Success, e.g. "11.8x_projected".',
    )

    trail = Trail(plain=("delivery_vs_commit", "utilization_gaps", "roi_trajectory"))


class ScenariosIn(StrictSerializer):
    expansion = MoneyField(required=False)
    contraction = MoneyField(required=False)
    churn = MoneyField(required=False)
    flat_renewal = MoneyField(required=False)

    trail = Trail(plain=("expansion", "contraction", "churn", "flat_renewal"))


class ForecastIn(StrictSerializer):
    renewal_probability = NumberField(low=ZERO, high=ONE)
    confidence_interval = StrictListField(
        child=NumberField(low=ZERO, high=ONE), min_length=2, max_length=2
    )
    scenarios = ScenariosIn(required=False, default=dict)
    evidence = TextField(required=False, default="", allow_blank=True, max_length=500)
    period = TextField(required=False, default="", allow_blank=True, max_length=40)

    trail = Trail(
        plain=("renewal_probability", "confidence_interval", "scenarios"),
        hashed=("evidence", "period"),
    )


class ForecastOut(AnswerOut):
    forecast_id = serializers.CharField()
    customer_id = serializers.CharField()
    renewal_probability = serializers.FloatField(help_text="Blended, 0 to 1, two places.")
    confidence_interval = serializers.ListField(
        child=serializers.FloatField(), min_length=2, max_length=2, help_text="As submitted."
    )
    scenarios = serializers.DictField(child=serializers.CharField(), help_text="As submitted.")
    risk_adjusted_value = serializers.CharField(allow_null=True, help_text='e.g. "$187,400".')
    status = serializers.ChoiceField(choices=ForecastAdjustment.Status.choices)

    trail = Trail(
        plain=(
            "forecast_id",
            "customer_id",
            "renewal_probability",
            "confidence_interval",
            "scenarios",
            "risk_adjusted_value",
            "status",
        )
    )


def submission(members: Mapping[str, Any]) -> rules.Submission:
    """Return the checked members as the value that the rules take."""
    low, high = members["confidence_interval"]
    return rules.Submission(
        probability=members["renewal_probability"],
        interval_low=low,
        interval_high=high,
        scenarios=members["scenarios"],
        evidence=members["evidence"],
        period=members["period"],
    )
