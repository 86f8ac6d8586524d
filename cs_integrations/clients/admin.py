from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest
from oauth2_provider.models import AccessToken

from cs_integrations.admin import RecordedFact
from cs_integrations.clients.models import Application, IdempotencyRecord, User

admin.site.register(User, UserAdmin)
admin.site.site_header = admin.site.site_title = "CS Integrations"
admin.site.index_title = "Customer Success and the other departments"


class AccessTokenAdmin(RecordedFact, admin.ModelAdmin[AccessToken]):
    """Live tokens; revoking is the client's, or by its ``is_active``."""

    list_display = ("application", "scope", "created", "expires")
    list_select_related = ("application",)
    search_fields = ("=application__client_id", "application__name")
    fields = list_display


class UnusedAdmin(RecordedFact, admin.ModelAdmin):  # type: ignore[type-arg]
    """The toolkit's models of other grants: they stay empty, so they are not shown."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False


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
