from django.urls import path

from marketing.views import CampaignViewSet, PerformanceViewSet, TriggerViewSet

urlpatterns = [
    path(
        "triggers/<str:customer_id>",
        TriggerViewSet.as_view({"post": "create"}),
        name="marketing-trigger",
    ),
    path(
        "performance/<str:campaign_id>",
        PerformanceViewSet.as_view({"get": "retrieve"}),
        name="marketing-performance",
    ),
    path(
        "campaigns/<str:campaign_id>",
        CampaignViewSet.as_view({"get": "retrieve"}),
        name="marketing-campaign",
    ),
]
