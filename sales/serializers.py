"""The wire of the sales operations."""

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from cs_integrations.api.serializers import (
    AnswerOut,
    NumberField,
    PublicIdField,
    StrictSerializer,
)
from cs_integrations.api.trail import Trail
from sales import rules
from sales.models import HandoffPackage, SuccessPlan
from sales.rules import PARAMETERS, HandoffItemCode, PipelineSync


def _kpi(bounds: rules.Range, meaning: str) -> NumberField:
    return NumberField(
        low=bounds.low, high=bounds.high, required=False, help_text=f"{meaning}, {bounds}."
    )


class BaselineKpisIn(StrictSerializer):
    nps_target = _kpi(PARAMETERS.nps_target, "NPS answer")
    csat_target = _kpi(PARAMETERS.csat_target, "CSAT answer")
    adoption_target = _kpi(PARAMETERS.adoption_target, "Adoption in %")
    health_target = _kpi(PARAMETERS.health_target, "Health score in points")
    roi_target = _kpi(PARAMETERS.roi_target, "Return as a multiple of fees")
    time_to_value_days = _kpi(PARAMETERS.time_to_value_days, "Time to value in days")
    active_users_target = _kpi(PARAMETERS.active_users_target, "Active users in %")
    renewal_target = _kpi(PARAMETERS.renewal_target, "Probability of renewal")

    trail = Trail(
        plain=(
            "nps_target",
            "csat_target",
            "adoption_target",
            "health_target",
            "roi_target",
            "time_to_value_days",
            "active_users_target",
            "renewal_target",
        )
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        faults = rules.kpi_faults(baseline_kpis=attrs)
        if faults:
            raise serializers.ValidationError(
                {
                    fault.name or "non_field_errors": [ErrorDetail(fault.detail, code=fault.rule)]
                    for fault in faults
                }
            )
        return attrs


class HandoffIn(StrictSerializer):
    success_plan_id = PublicIdField(prefix=SuccessPlan.ID_PREFIX)
    baseline_kpis = BaselineKpisIn(help_text="At least one.")

    trail = Trail(plain=("success_plan_id", "baseline_kpis"))


class HandoffOut(AnswerOut):
    transition_complete = serializers.BooleanField(
        help_text="Whether nothing is missing; plan and baselines are then frozen."
    )
    knowledge_gaps = serializers.ListField(
        child=serializers.ChoiceField(choices=[code.value for code in HandoffItemCode]),
        help_text="What the package lacks, holds empty or unverified.",
    )
    pipeline_sync = serializers.ChoiceField(
        choices=[state.value for state in PipelineSync],
        help_text="The CRM's copy of the deal against the contract in force.",
    )

    trail = Trail(plain=("transition_complete", "knowledge_gaps", "pipeline_sync"))


class HandoffStatusOut(AnswerOut):
    deal_id = serializers.CharField(help_text="The customer's latest won deal.")
    status = serializers.ChoiceField(choices=HandoffPackage.Status.choices)
    due_at = serializers.DateTimeField(help_text="Seven days after the deal was won.")
    completed_at = serializers.DateTimeField(allow_null=True)
    completeness = serializers.CharField(help_text='Parts without a gap, e.g. "75%".')
    knowledge_gaps = serializers.ListField(
        child=serializers.ChoiceField(choices=[code.value for code in HandoffItemCode])
    )
    success_plan_id = serializers.CharField(
        allow_null=True, help_text="The plan that was fixed; until then the newest free one."
    )
    pipeline_sync = serializers.ChoiceField(
        choices=[state.value for state in PipelineSync], help_text="As of now."
    )
    quality_score = serializers.IntegerField(min_value=0, max_value=100, help_text="Goal 95.")

    trail = Trail(
        plain=(
            "deal_id",
            "status",
            "due_at",
            "completed_at",
            "completeness",
            "knowledge_gaps",
            "success_plan_id",
            "pipeline_sync",
            "quality_score",
        )
    )


class ExpansionOut(AnswerOut):
    readiness_score = serializers.IntegerField(
        allow_null=True, min_value=0, max_value=100, help_text="Sales acts above 80."
    )
    value_portfolio = serializers.ListField(
        child=serializers.CharField(),
        help_text='Proof of value, newest first, e.g. "3x_roi_demonstrated".',
    )
    white_space = serializers.CharField(
        help_text='What the customer could buy and does not: "$150k_annualized".'
    )

    trail = Trail(plain=("readiness_score", "value_portfolio", "white_space"))
