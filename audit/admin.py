from django.contrib import admin

from audit.models import AuditBody, AuditRecord
from cs_integrations.admin import RecordedFact


@admin.register(AuditRecord)
class AuditRecordAdmin(RecordedFact, admin.ModelAdmin[AuditRecord]):
    show_full_result_count = False
    list_display = (
        "received_at",
        "method",
        "path",
        "status",
        "client_name",
        "staff_user",
        "decision",
    )
    list_filter = ("domain", "status", "decision", "problem_type")
    search_fields = ("id__exact", "client_id__exact", "path__startswith", "idempotency_key__exact")
    search_help_text = "Request id, client id, idempotency key, or the beginning of a path"
    ordering = ("-id",)


@admin.register(AuditBody)
class AuditBodyAdmin(RecordedFact, admin.ModelAdmin[AuditBody]):
    show_full_result_count = False
    list_display = ("id", "request_text", "response_text")
    fields = list_display
    search_fields = ("id__exact",)
    ordering = ("-id",)

    @admin.display(description="Request")
    def request_text(self, body: AuditBody) -> str:
        return bytes(body.request).decode(errors="replace")

    @admin.display(description="Answer")
    def response_text(self, body: AuditBody) -> str:
        return bytes(body.response).decode(errors="replace")
