"""The OAuth2 routes. The namespace is the toolkit's, whose metadata view looks them up."""

from django.urls import path

from cs_integrations.clients.views import IntrospectionView, RevocationView, TokenView

app_name = "oauth2_provider"

urlpatterns = [
    path("token", TokenView.as_view(), name="token"),
    path("revoke", RevocationView.as_view(), name="revoke-token"),
    path("introspect", IntrospectionView.as_view(), name="introspect"),
]
