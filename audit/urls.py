from django.urls import path

from audit.views import AuditExportViewSet, AuditRecordsViewSet, AuditRecordViewSet

urlpatterns = [
    path("", AuditRecordsViewSet.as_view({"get": "search"}), name="audit-records"),
    path("export", AuditExportViewSet.as_view({"get": "stream"}), name="audit-export"),
    path("<str:request_id>", AuditRecordViewSet.as_view({"get": "retrieve"}), name="audit-record"),
]
