from django.urls import path

from sales.views import ExpansionViewSet, HandoffStatusViewSet, HandoffViewSet

urlpatterns = [
    path(
        "handoff/complete/<str:deal_id>",
        HandoffViewSet.as_view({"post": "create"}),
        name="sales-handoff",
    ),
    path(
        "handoff/status/<str:customer_id>",
        HandoffStatusViewSet.as_view({"get": "retrieve"}),
        name="sales-handoff-status",
    ),
    path(
        "expansion/<str:customer_id>",
        ExpansionViewSet.as_view({"get": "retrieve"}),
        name="sales-expansion",
    ),
]
