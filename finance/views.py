"""The finance operations: parse, one call, answer."""

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from cs_integrations.api import problems
from cs_integrations.api.schema import operation
from cs_integrations.api.viewsets import HubViewSet
from finance import actions, queries
from finance.serializers import ForecastIn, ForecastOut, RealizationOut, submission


class RealizationViewSet(HubViewSet):
    domain = "finance"

    @operation(
        "finance_realization",
        summary="Delivered value, unused entitlements and return of a contract",
        answer=RealizationOut,
    )
    def retrieve(self, request: Request, contract_id: str) -> Response:
        """Compare delivered with promised value, name unused entitlements, project the return."""
        outcome = queries.realization(contract_id=contract_id, at=self.at)
        return self.answer(request, outcome)


class ForecastViewSet(HubViewSet):
    domain = "finance"

    @operation(
        "finance_forecast",
        summary="The renewal forecast in force for a customer",
        answer=ForecastOut,
    )
    def retrieve(self, request: Request, customer_id: str) -> Response:
        """Return the forecast that no later one has superseded."""
        outcome = queries.current_forecast(customer_id=customer_id)
        return self.answer(request, outcome)

    @operation(
        "finance_forecast_adjust",
        summary="Submit a renewal forecast for a customer",
        request=ForecastIn,
        answer=ForecastOut,
        status=201,
        refusals=(problems.CONFLICT,),
    )
    def create(self, request: Request, customer_id: str) -> Response:
        """Blend the submitted probability with the model's and put it in force."""
        members = self.parse(request, ForecastIn)
        outcome = actions.adjust_forecast(
            customer_id=customer_id, submission=submission(members), at=self.at
        )
        location = reverse("finance-forecast", args=[outcome.location_id])
        return self.answer(request, outcome, status=201, location=location)
