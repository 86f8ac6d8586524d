"""Who may call: OAuth2 clients and staff users; and what each client has asked before."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models
from oauth2_provider.models import AbstractApplication

from cs_integrations.clients.scopes import SCOPES


class User(AbstractUser):  # type: ignore[django-manager-missing]
    """A member of staff who works in the admin."""


def validate_scopes(scopes: Any) -> None:
    """Refuse anything but a list of known scopes, each once.

    :raises ValidationError: an unknown scope, a repetition or another type
    """
    if not isinstance(scopes, list) or any(scope not in SCOPES for scope in scopes):
        raise ValidationError(f"Scopes are a list of: {', '.join(SCOPES)}.")
    if len(set(scopes)) < len(scopes):
        raise ValidationError("A scope is listed twice.")


def validate_rate_limits(limits: Any) -> None:
    """Refuse anything but requests a minute for known domains.

    :raises ValidationError: an unknown domain, or a limit that is not a positive whole number
    """
    domains = settings.RATE_LIMITS
    is_sound = isinstance(limits, Mapping) and all(
        domain in domains and type(limit) is int and limit > 0 for domain, limit in limits.items()
    )
    if not is_sound:
        raise ValidationError(f"Limits are requests a minute for: {', '.join(domains)}.")


class Application(AbstractApplication):  # type: ignore[misc]
    """Another team's system. It starts with no scopes and the limits of the settings."""

    scopes = models.JSONField(default=list, blank=True, validators=[validate_scopes])
    rate_limits = models.JSONField(default=dict, blank=True, validators=[validate_rate_limits])
    is_active = models.BooleanField(default=True)

    class Meta(AbstractApplication.Meta):  # type: ignore[misc]
        verbose_name = "API client"

    def is_usable(self, request: Any) -> bool:
        """Say whether tokens may be issued to, and used by, this client."""
        return bool(self.is_active)


class IdempotencyRecord(models.Model):
    """The stored answer to a keyed POST; written in the transaction of its effect."""

    application = models.ForeignKey(
        settings.OAUTH2_PROVIDER_APPLICATION_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32)  # SHA-256 of method, path, query and body
    request_id = models.UUIDField()  # of the request that had the effect
    status = models.PositiveSmallIntegerField()
    body = models.BinaryField()  # the exact bytes: JSONB would reorder members
    content_type = models.CharField(max_length=100)
    location = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(name="clients_one_answer_a_key", fields=["application", "key"]),
        )
        # Clearing expired answers.
        indexes = (models.Index(fields=["created_at"], name="clients_idempotency_age"),)

    def __str__(self) -> str:
        return f"#{self.pk} {self.request_id}"
