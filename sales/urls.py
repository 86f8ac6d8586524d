from django.urls import path

from sales.views import ExpansionViewSet, HandoffViewSet

urlpatterns = [
    path(
        "handoff/complete/<str:deal_id>",
        HandoffViewSet.as_view({"post": "create"}),
        name="sales-handoff",
    ),
    path(
        "expansion/<str:customer_id>",
        ExpansionViewSet.as_view({"get": "retrieve"}),
        name="sales-expansion",
    ),
]
