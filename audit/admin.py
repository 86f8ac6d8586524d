from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from audit.models import AuditBody, AuditRecord


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Look, never touch."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(AuditRecord)
class AuditRecordAdmin(ReadOnlyAdmin):
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
class AuditBodyAdmin(ReadOnlyAdmin):
    list_display = ("id", "request_text", "response_text")
    fields = list_display
    search_fields = ("id__exact",)
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[AuditBody]":
        return super().get_queryset(request)

    @admin.display(description="Request")
    def request_text(self, body: AuditBody) -> str:
        return bytes(body.request).decode(errors="replace")

    @admin.display(description="Answer")
    def response_text(self, body: AuditBody) -> str:
        return bytes(body.response).decode(errors="replace")
