import re

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

import audit.replay.admin  # noqa: F401 - registers the models of replay
from audit.models import AuditBatch, AuditBody, AuditRecord, DataKey, LegalHold, Tombstone
from cs_integrations.admin import RecordedFact
from cs_integrations.api.schema_fields import ROUTE_NAMES

OBJECT_NAMES = {**ROUTE_NAMES, "sp": "success_plan_id", "PROD": "ticket_id"}


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
    search_help_text = (
        "Request id, client id, idempotency key, the id of a customer, campaign, deal, contract,"
        " ticket …, or the beginning of a path"
    )
    ordering = ("-id",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditRecord], search_term: str
    ) -> tuple[QuerySet[AuditRecord], bool]:
        """Find the requests that named an object when its public id is searched for."""
        term = search_term.strip()
        name = OBJECT_NAMES.get(re.split(r"[_-]", term)[0])
        if name is not None:
            return queryset.filter(object_ids__contains=[term]), False
        return super().get_search_results(request, queryset, search_term)


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


@admin.register(DataKey)
class DataKeyAdmin(RecordedFact, admin.ModelAdmin[DataKey]):
    list_display = ("id", "client_id", "month", "created_at", "destroyed_at")
    fields = list_display
    search_fields = ("client_id__exact",)
    ordering = ("-month", "client_id")


@admin.register(AuditBatch)
class AuditBatchAdmin(RecordedFact, admin.ModelAdmin[AuditBatch]):
    show_full_result_count = False
    list_display = ("number", "records", "total", "sealed_at", "key_id")
    fields = ("number", "checkpoint", "first_id", "last_id")
    ordering = ("-number",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditBatch]:
        """Leave the lists of leaves where they are: 400 KB a batch."""
        return super().get_queryset(request).defer("leaves")


@admin.register(Tombstone)
class TombstoneAdmin(RecordedFact, admin.ModelAdmin[Tombstone]):
    list_display = ("table_name", "month", "records", "dropped_at", "key_id")
    fields = ("table_name", "month", "text", "dropped_at")
    ordering = ("-month", "table_name")


@admin.register(LegalHold)
class LegalHoldAdmin(RecordedFact, admin.ModelAdmin[LegalHold]):
    list_display = ("id", "month", "reason", "placed_by", "placed_at", "released_by", "released_at")
    fields = list_display
    ordering = ("-id",)
