from django.urls import path

from operations.views import CapacityViewSet, ExecutionViewSet

urlpatterns = [
    path(
        "execute/<str:workflow_id>/<str:customer_id>",
        ExecutionViewSet.as_view({"post": "create"}),
        name="operations-execute",
    ),
    path(
        "executions/<str:execution_id>",
        ExecutionViewSet.as_view({"get": "retrieve"}),
        name="operations-execution",
    ),
    path(
        "capacity/forecast",
        CapacityViewSet.as_view({"get": "retrieve"}),
        name="operations-capacity",
    ),
]
