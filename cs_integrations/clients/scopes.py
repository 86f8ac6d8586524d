"""OAuth2 scopes. A client has the scopes it was given and no others."""

from typing import TYPE_CHECKING, Any

from oauth2_provider.scopes import BaseScopes

if TYPE_CHECKING:
    from cs_integrations.clients.models import Application

# The first three texts are the specification's.
SCOPES: dict[str, str] = {
    "cs-marketing.read": "Marketing integration read",
    "cs-marketing.write": "Marketing campaign triggers",
    "cs-sales.read": "Sales pipeline visibility",
    "cs-sales.write": "Sales handoff completion",
    "cs-product.read": "Product adoption insights",
    "cs-product.write": "Product feedback submission",
    "cs-finance.read": "Finance value realization and forecasts",
    "cs-finance.write": "Finance forecast adjustments",
    "cs-operations.read": "Operations capacity and executions",
    "cs-operations.write": "Operations workflow execution",
    "cs-audit.read": "Audit records of all clients",
}


class ClientScopes(BaseScopes):  # type: ignore[misc]
    """Ask the client, not the settings: the library's default gives every client every scope."""

    def get_all_scopes(self) -> dict[str, str]:
        return SCOPES

    def get_available_scopes(
        self, application: "Application | None" = None, request: Any = None, *_: Any, **__: Any
    ) -> list[str]:
        return list(SCOPES) if application is None else list(application.scopes)

    def get_default_scopes(
        self, application: "Application | None" = None, request: Any = None, *_: Any, **__: Any
    ) -> list[str]:
        return [] if application is None else list(application.scopes)
