"""The product operations: parse, one call, answer."""

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from cs_integrations.api.schema import operation
from cs_integrations.api.viewsets import HubViewSet
from product import actions, queries
from product.serializers import (
    AdoptionOut,
    FeedbackIn,
    FeedbackOut,
    TicketStatusOut,
    submission,
)


class AdoptionViewSet(HubViewSet):
    domain = "product"

    @operation(
        "product_adoption",
        summary="Adoption of a feature, its barriers and what to do about them",
        answer=AdoptionOut,
    )
    def retrieve(self, request: Request, feature_id: str) -> Response:
        """Say how widely a feature is used, whether use goes with health, and what hinders it."""
        outcome = queries.adoption(feature_id=feature_id, at=self.at)
        return self.answer(request, outcome)


class FeedbackViewSet(HubViewSet):
    domain = "product"

    @operation(
        "product_feedback_submit",
        summary="Submit a customer's feedback on a feature",
        request=FeedbackIn,
        answer=FeedbackOut,
        status=201,
    )
    def create(self, request: Request) -> Response:
        """Turn a customer's voice into a prioritized ticket with a place on the roadmap."""
        members = self.parse(request, FeedbackIn)
        outcome = actions.submit_feedback(
            customer_id=members["customer_id"],
            feature_id=members["feature_id"],
            submission=submission(members),
            at=self.at,
        )
        location = reverse("product-feedback-status", args=[outcome.location_id])
        return self.answer(request, outcome, status=201, location=location)


class TicketViewSet(HubViewSet):
    domain = "product"

    @operation(
        "product_feedback_status",
        summary="Where a product ticket stands",
        answer=TicketStatusOut,
    )
    def retrieve(self, request: Request, ticket_id: str) -> Response:
        """Return a ticket's status, priority and place on the roadmap, with its target date."""
        outcome = queries.ticket_status(ticket_id=ticket_id, at=self.at)
        return self.answer(request, outcome)
