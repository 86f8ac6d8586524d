from django.urls import path

from product.views import AdoptionViewSet, FeedbackViewSet, TicketViewSet

urlpatterns = [
    path(
        "adoption/<str:feature_id>",
        AdoptionViewSet.as_view({"get": "retrieve"}),
        name="product-adoption",
    ),
    path("feedback", FeedbackViewSet.as_view({"post": "create"}), name="product-feedback"),
    path(
        "feedback/status/<str:ticket_id>",
        TicketViewSet.as_view({"get": "retrieve"}),
        name="product-feedback-status",
    ),
]
