from django.urls import path

from audit.views import AuditRecordViewSet

urlpatterns = [
    path("<str:request_id>", AuditRecordViewSet.as_view({"get": "retrieve"}), name="audit-record"),
]
