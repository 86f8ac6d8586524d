"""The wire of the operations domain."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from cs_integrations.api.serializers import AnswerOut, StrictSerializer
from cs_integrations.api.trail import DeclaredSerializer, Trail
from operations.models import ExecutionStep as Step
from operations.models import StepKind, WorkflowExecution
from operations.rules import PARAMETERS, TIER

MAX_PARAMETERS = 30


@extend_schema_field(
    {
        "type": "object",
        "maxProperties": MAX_PARAMETERS,
        "properties": {
            TIER: {
                "type": "integer",
                "minimum": PARAMETERS.lowest_tier,
                "maximum": PARAMETERS.highest_tier,
                "description": "Absent: the workflow's default.",
            }
        },
        "additionalProperties": {
            "oneOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}],
            "description": "A parameter that the workflow declares.",
        },
    }
)
class ParametersField(serializers.Field[Mapping[str, Any], Any, Any, Any]):
    """The parameters of an execution; the workflow's own schema decides on each."""

    default_error_messages = {
        "not_an_object": "Must be an object.",
        "max_length": "Must have at most {max_length} members.",
    }

    def to_internal_value(self, data: Any) -> Mapping[str, Any]:
        if not isinstance(data, Mapping):
            self.fail("not_an_object")
        if len(data) > MAX_PARAMETERS:
            self.fail("max_length", max_length=MAX_PARAMETERS)
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class ExecutionIn(StrictSerializer):
    parameters = ParametersField(required=False, default=dict)

    # Workflows declare free text among them, and until one is looked up any name may stand there.
    trail = Trail(hashed=("parameters",))


class ExecutionOut(AnswerOut):
    execution_id = serializers.CharField()
    sla_target = serializers.CharField(help_text='Time the tier may take, e.g. "4h", "15m".')
    current_status = serializers.ChoiceField(choices=WorkflowExecution.Status.choices)

    trail = Trail(plain=("execution_id", "sla_target", "current_status"))


class StepOut(DeclaredSerializer):
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=StepKind.choices)
    status = serializers.ChoiceField(choices=Step.Status.choices)

    trail = Trail(plain=("kind", "status"), hashed=("name",))  # staff write the names


class ExecutionStatusOut(AnswerOut):
    execution_id = serializers.CharField()
    workflow_id = serializers.CharField()
    customer_id = serializers.CharField()
    current_status = serializers.ChoiceField(choices=WorkflowExecution.Status.choices)
    escalation_tier = serializers.IntegerField(
        min_value=PARAMETERS.lowest_tier,
        max_value=PARAMETERS.highest_tier,
        help_text="With the tiers it rose by waiting.",
    )
    sla_target = serializers.CharField(help_text='Time the tier may take, e.g. "4h".')
    due_at = serializers.DateTimeField()
    assignee = serializers.CharField(allow_null=True, help_text="Code of the CSM.")
    steps = StepOut(many=True, help_text="In their order.")

    trail = Trail(
        plain=(
            "execution_id",
            "workflow_id",
            "customer_id",
            "current_status",
            "escalation_tier",
            "sla_target",
            "due_at",
            "steps",
        ),
        hashed=("assignee",),  # a person
    )


class CapacityOut(AnswerOut):
    utilization_projection = serializers.CharField(
        allow_null=True, help_text='Demanded against available hours, e.g. "82%".'
    )
    skill_gaps = serializers.ListField(
        child=serializers.CharField(), help_text="Skills with too few hours, scarcest first."
    )
    hiring_triggers = serializers.ListField(
        child=serializers.ChoiceField(choices=["urgent", "planned", "monitor"]),
        max_length=1,
        help_text="The most severe only.",
    )

    trail = Trail(plain=("utilization_projection", "skill_gaps", "hiring_triggers"))
