"""The sales operations: parse, one call, answer."""

from rest_framework.request import Request
from rest_framework.response import Response

from cs_integrations.api import problems
from cs_integrations.api.schema import operation
from cs_integrations.api.viewsets import HubViewSet
from sales import actions, queries
from sales.serializers import ExpansionOut, HandoffIn, HandoffOut, HandoffStatusOut


class HandoffViewSet(HubViewSet):
    domain = "sales"

    @operation(
        "sales_handoff_complete",
        summary="Complete the handoff of a won deal to Customer Success",
        request=HandoffIn,
        answer=HandoffOut,
        refusals=(problems.CONFLICT,),
    )
    def create(self, request: Request, deal_id: str) -> Response:
        """Judge the package; when nothing is missing, start the plan and freeze its baselines."""
        members = self.parse(request, HandoffIn)
        outcome = actions.complete_handoff(deal_id=deal_id, **members, at=self.at)
        return self.answer(request, outcome)


class HandoffStatusViewSet(HubViewSet):
    domain = "sales"

    @operation(
        "sales_handoff_status",
        summary="How far the handoff of a customer's latest won deal is",
        answer=HandoffStatusOut,
    )
    def retrieve(self, request: Request, customer_id: str) -> Response:
        """Name what is missing, by when it is due, and the quality so far."""
        outcome = queries.handoff_status(customer_id=customer_id, at=self.at)
        return self.answer(request, outcome)


class ExpansionViewSet(HubViewSet):
    domain = "sales"

    @operation(
        "sales_expansion",
        summary="Readiness, proof of value and open value of a customer",
        answer=ExpansionOut,
    )
    def retrieve(self, request: Request, customer_id: str) -> Response:
        """Score five factors under three gates, list the proof, price what is not owned."""
        outcome = queries.expansion(customer_id=customer_id, at=self.at)
        return self.answer(request, outcome)
