"""The forms and answers of the OAuth2 endpoints, for the OpenAPI document."""

from typing import Any

from rest_framework import serializers


class CredentialsIn(serializers.Serializer[Any]):
    client_id = serializers.CharField(required=False, help_text="Or HTTP Basic.")
    client_secret = serializers.CharField(required=False, help_text="Or HTTP Basic.")


class TokenIn(CredentialsIn):
    grant_type = serializers.ChoiceField(choices=["client_credentials"])
    scope = serializers.CharField(
        required=False, help_text="Separated by spaces; left out: all of the client's own."
    )


class TokenOut(serializers.Serializer[Any]):
    access_token = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds.")
    token_type = serializers.CharField()
    scope = serializers.CharField(allow_blank=True)


class RevocationIn(CredentialsIn):
    token = serializers.CharField()
    token_type_hint = serializers.CharField(required=False)


class IntrospectionIn(CredentialsIn):
    token = serializers.CharField()


class IntrospectionOut(serializers.Serializer[Any]):
    active = serializers.BooleanField()
    scope = serializers.CharField(required=False, allow_blank=True)
    client_id = serializers.CharField(required=False)
    token_type = serializers.CharField(required=False)
    exp = serializers.IntegerField(required=False, help_text="Unix time.")
