"""Replays in the admin: what was run, by whom, and what came out differently."""

from uuid import UUID

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from audit.models import ReplayBatch, ReplayItem
from cs_integrations.admin import RecordedFact


def _link(page: str, label: str) -> SafeString:
    return format_html('<a href="{}">{}</a>', page, label)


def _record_link(record_id: UUID | None) -> SafeString | str:
    if record_id is None:
        return "-"
    return _link(reverse("admin:audit_auditrecord_change", args=[record_id]), str(record_id))


@admin.register(ReplayBatch)
class ReplayBatchAdmin(RecordedFact, admin.ModelAdmin[ReplayBatch]):
    list_display = (
        "name",
        "mode",
        "state",
        "operator",
        "created_at",
        "items_link",
        "differing",
        "failed",
    )
    list_filter = ("mode", "state")
    search_fields = ("name__startswith", "operator__exact", "items__record_id__exact")
    search_help_text = "Name of a batch, operator, or the request id of an original"
    ordering = ("-created_at",)
    list_per_page = 50
    fields = (
        *("name", "mode", "state", "operator", "target", "filters", "options", "plan_hash"),
        *("created_at", "started_at", "finished_at", "items_link", "differing", "failed"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReplayBatch]:
        """Count the items of each batch in the same query."""
        differing = ~Q(items__differences=[]) & Q(items__isnull=False)
        return (
            super()
            .get_queryset(request)
            .annotate(
                item_count=Count("items"),
                differing_count=Count("items", filter=differing),
                failed_count=Count("items", filter=Q(items__state=ReplayItem.State.FAILED)),
            )
        )

    @admin.display(description="Items", ordering="item_count")
    def items_link(self, batch: ReplayBatch) -> SafeString:
        page = reverse("admin:audit_replayitem_changelist")
        count: int = batch.item_count  # type: ignore[attr-defined]  # annotated above
        return _link(f"{page}?batch__id__exact={batch.pk}", f"{count:,}")

    @admin.display(description="Differ", ordering="differing_count")
    def differing(self, batch: ReplayBatch) -> int:
        count: int = batch.differing_count  # type: ignore[attr-defined]
        return count

    @admin.display(description="Failed", ordering="failed_count")
    def failed(self, batch: ReplayBatch) -> int:
        count: int = batch.failed_count  # type: ignore[attr-defined]
        return count


class DiffersFilter(admin.SimpleListFilter):
    title = "answer"
    parameter_name = "differs"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[ReplayItem]
    ) -> list[tuple[str, str]]:
        return [("yes", "Differs"), ("no", "Does not differ")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ReplayItem]
    ) -> QuerySet[ReplayItem]:
        match self.value():
            case "yes":
                return queryset.exclude(differences=[])
            case "no":
                return queryset.filter(differences=[])
        return queryset


@admin.register(ReplayItem)
class ReplayItemAdmin(RecordedFact, admin.ModelAdmin[ReplayItem]):
    show_full_result_count = False
    list_display = (
        "position",
        "batch",
        "operation",
        "lane",
        "state",
        "original_status",
        "status",
        "places",
        "reason",
    )
    list_filter = ("state", DiffersFilter, "batch__mode")
    list_select_related = ("batch",)
    search_fields = (
        *("batch__name__exact", "record_id__exact", "request_id__exact"),
        *("lane__exact", "operation__exact"),
    )
    search_help_text = "Name of a batch, a request id, a customer, or an operation"
    ordering = ("-batch_id", "position")
    fields = (
        *("batch", "position", "operation", "lane", "state", "reason"),
        *("original_status", "status", "original", "replay", "what_differs", "settled_at"),
    )

    @admin.display(description="Differs in")
    def places(self, item: ReplayItem) -> str:
        return ", ".join(difference["place"] for difference in item.differences)

    @admin.display(description="Original record")
    def original(self, item: ReplayItem) -> SafeString | str:
        return _record_link(item.record_id)

    @admin.display(description="Record of the replay")
    def replay(self, item: ReplayItem) -> SafeString | str:
        return _record_link(item.request_id)

    @admin.display(description="Differences")
    def what_differs(self, item: ReplayItem) -> SafeString | str:
        """Show then and now side by side."""
        rows = format_html_join(
            "",
            "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
            ((one["place"], one["then"], one["now"]) for one in item.differences),
        )
        head = "<tr><th>Place</th><th>Then</th><th>Now</th></tr>"
        return format_html("<table>" + head + "{}</table>", rows) if rows else "-"
