from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from cs_integrations.clients.models import Application, IdempotencyRecord, User

admin.site.register(User, UserAdmin)


class ApplicationAdmin(admin.ModelAdmin[Application]):
    """API clients. The toolkit registers this for our model, see ``APPLICATION_ADMIN_CLASS``."""

    list_display = ("name", "client_id", "is_active", "scopes", "created")
    list_filter = ("is_active",)
    search_fields = ("name", "client_id")
    fields = ("name", "client_id", "is_active", "scopes", "rate_limits", "created", "updated")
    readonly_fields = ("client_id", "created", "updated")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Clients are made by ``manage.py create_client``, which shows the secret once."""
        return False


@admin.register(IdempotencyRecord)
class IdempotencyRecordAdmin(admin.ModelAdmin[IdempotencyRecord]):
    list_display = ("key", "application", "status", "request_id", "created_at")
    list_select_related = ("application",)
    search_fields = ("key", "request_id")
    show_full_result_count = False
    fields = (
        "key",
        "application",
        "status",
        "request_id",
        "content_type",
        "location",
        "created_at",
    )
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: IdempotencyRecord | None = None
    ) -> bool:
        return False
