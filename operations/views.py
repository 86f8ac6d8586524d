"""The operations domain: parse, one call, answer."""

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from cs_integrations.api import problems
from cs_integrations.api.schema import operation
from cs_integrations.api.viewsets import HubViewSet
from operations import actions, queries, rules
from operations.serializers import CapacityOut, ExecutionIn, ExecutionOut, ExecutionStatusOut

PERIOD = "period"
PERIODS = rules.period_choices()
DEFAULT_PERIOD = rules.default_period()


class ExecutionViewSet(HubViewSet):
    domain = "operations"

    @operation(
        "operations_execution",
        summary="Where an execution stands",
        answer=ExecutionStatusOut,
    )
    def retrieve(self, request: Request, execution_id: str) -> Response:
        """Return the status, tier, due time, CSM and steps of an execution."""
        outcome = queries.execution_status(execution_id=execution_id, at=self.at)
        return self.answer(request, outcome)

    @operation(
        "operations_execute",
        summary="Start a standard playbook for a customer",
        request=ExecutionIn,
        answer=ExecutionOut,
        status=202,
        refusals=(problems.CONFLICT,),
    )
    def create(self, request: Request, workflow_id: str, customer_id: str) -> Response:
        """Start the workflow at an escalation tier, or repeat or escalate the active one."""
        members = self.parse(request, ExecutionIn)
        outcome = actions.execute_workflow(
            workflow_id=workflow_id,
            customer_id=customer_id,
            given=members["parameters"],
            at=self.at,
        )
        location = reverse("operations-execution", args=[outcome.location_id])
        return self.answer(request, outcome, status=202, location=location)


class CapacityViewSet(HubViewSet):
    domain = "operations"
    query_parameters = (PERIOD,)

    @operation(
        "operations_capacity",
        summary="Team load, missing skills and the need to hire",
        answer=CapacityOut,
        parameters=[
            OpenApiParameter(
                PERIOD,
                str,
                enum=PERIODS,
                default=DEFAULT_PERIOD,
                description="The days to look ahead, today the first.",
            )
        ],
    )
    def retrieve(self, request: Request) -> Response:
        """Project the load of the CSM team, the skills that lack, and whether to hire."""
        outcome = queries.capacity_forecast(period=_period(request), at=self.at)
        return self.answer(request, outcome)


def _period(request: Request) -> str:
    """Return the period asked for.

    :raises ProblemException: it is not one of the known ones, or stands there twice
    """
    given = request.query_params.getlist(PERIOD) or [DEFAULT_PERIOD]
    if len(given) > 1 or given[0] not in PERIODS:
        raise problems.invalid_parameter(
            PERIOD, rule="unknown_code", detail=f"period must be one of: {', '.join(PERIODS)}."
        )
    return str(given[0])
