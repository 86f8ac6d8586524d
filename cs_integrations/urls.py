"""The table of contents. Domains are mounted by name: the kernel imports none of them."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import (
    SpectacularJSONAPIView,
    SpectacularRedocView,
    SpectacularSwaggerView,
)
from oauth2_provider.views import OAuthServerMetadataView

from cs_integrations.api import views

API = "v1/cs-integrations/"

_PUBLIC = {"authentication_classes": (), "permission_classes": (), "throttle_classes": ()}

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path(f"{API}marketing/", include("marketing.urls")),
    path(f"{API}sales/", include("sales.urls")),
    path(f"{API}product/", include("product.urls")),
    path(f"{API}finance/", include("finance.urls")),
    path(f"{API}operations/", include("operations.urls")),
    path(f"{API}audit/", include("audit.urls")),
    path("auth/", include("cs_integrations.clients.urls")),
    path(
        ".well-known/oauth-authorization-server",
        views.reading_only(OAuthServerMetadataView.as_view()),
        name="oauth-server-metadata",
    ),
    path(
        "openapi/cs-cross-domain-v1.json",
        SpectacularJSONAPIView.as_view(**_PUBLIC),
        name="openapi",
    ),
    path("docs/", SpectacularSwaggerView.as_view(url_name="openapi", **_PUBLIC), name="docs"),
    path("docs/redoc/", SpectacularRedocView.as_view(url_name="openapi", **_PUBLIC), name="redoc"),
    path("errors/", views.error_index, name="error-index"),
    path("errors/<slug:slug>", views.error_page, name="error-page"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("admin/", admin.site.urls),
]

handler400 = "cs_integrations.api.views.bad_request"
handler403 = "cs_integrations.api.views.forbidden"
handler404 = "cs_integrations.api.views.not_found"
handler500 = "cs_integrations.api.views.server_error"
