from django.urls import path

from finance.views import ForecastViewSet, RealizationViewSet

urlpatterns = [
    path(
        "realization/<str:contract_id>",
        RealizationViewSet.as_view({"get": "retrieve"}),
        name="finance-realization",
    ),
    path(
        "forecast/<str:customer_id>",
        ForecastViewSet.as_view({"get": "retrieve", "post": "create"}),
        name="finance-forecast",
    ),
]
