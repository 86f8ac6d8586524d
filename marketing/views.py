"""The marketing operations: parse, one call, answer."""

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from cs_integrations.api.schema import operation
from cs_integrations.api.viewsets import HubViewSet
from marketing import actions, queries
from marketing.serializers import CampaignOut, PerformanceOut, TriggerIn, TriggerOut, signal


class TriggerViewSet(HubViewSet):
    domain = "marketing"

    @operation(
        "marketing_trigger",
        summary="Tell marketing how healthy a customer is",
        request=TriggerIn,
        answer=TriggerOut,
        status=202,
    )
    def create(self, request: Request, customer_id: str) -> Response:
        """Start the sequences that the customer's health and milestones call for."""
        members = self.parse(request, TriggerIn)
        outcome = actions.trigger(customer_id=customer_id, signal=signal(members), at=self.at)
        location = ""
        if outcome.location_id:
            location = reverse("marketing-campaign", args=[outcome.location_id])
        return self.answer(request, outcome, status=202, location=location)


class PerformanceViewSet(HubViewSet):
    domain = "marketing"

    @operation(
        "marketing_performance",
        summary="Revenue, attribution and health correlation of a campaign",
        answer=PerformanceOut,
    )
    def retrieve(self, request: Request, campaign_id: str) -> Response:
        """Say what the campaign earned, how much Customer Success claims, what health did."""
        outcome = queries.performance(campaign_id=campaign_id, at=self.at)
        return self.answer(request, outcome)


class CampaignViewSet(HubViewSet):
    domain = "marketing"

    @operation(
        "marketing_campaign",
        summary="Where a campaign stands",
        answer=CampaignOut,
    )
    def retrieve(self, request: Request, campaign_id: str) -> Response:
        """Return the campaign's status, sequences and number of enrollments."""
        outcome = queries.campaign_standing(campaign_id=campaign_id)
        return self.answer(request, outcome)
