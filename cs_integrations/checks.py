"""System checks for settings that contradict each other. Ids are stable."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004

from cs_integrations import exchange


@register()
def offers_are_provided(**_kwargs: Any) -> Sequence[CheckMessage]:
    """Every fact and command that a domain may call has a provider."""
    return [
        Error(f"No domain provides {offer.name}.", id="hub.E001", hint="Register it in ready().")
        for offer in exchange.OFFERS
        if not offer.is_provided
    ]


@register(Tags.security, deploy=True)  # Django leaves checks tagged database out by default
def database_is_a_server(**_kwargs: Any) -> Sequence[CheckMessage]:
    """The embedded server is for development and tests."""
    if settings.DATABASE_URL:
        return []
    return [Error("DATABASE_URL is not set.", id="hub.E002", hint="Name a PostgreSQL server.")]


@register(Tags.security, deploy=True)
def secret_key_is_given(**_kwargs: Any) -> Sequence[CheckMessage]:
    """The key that a development machine makes for itself is not for production."""
    if settings.IS_SECRET_KEY_GIVEN:
        return []
    return [Error("SECRET_KEY is not set.", id="hub.E004", hint="Set 50 random characters.")]


@register(Tags.security, deploy=True)
def audit_keys_are_given(**_kwargs: Any) -> Sequence[CheckMessage]:
    """The trail's keys that a development machine makes for itself are not for production."""
    if settings.ARE_AUDIT_KEYS_GIVEN:
        return []
    return [
        Error(
            "AUDIT_MASTER_KEY, or AUDIT_SIGNING_KEY and AUDIT_PUBLIC_KEYS, are not set.",
            id="hub.E006",
            hint="manage.py audit_keys --new prints fresh ones.",
        )
    ]


@register(Tags.security, deploy=True)
def serving_login_is_not_the_owner(**_kwargs: Any) -> Sequence[CheckMessage]:
    """A login that owns the tables could step out of the smaller role it serves with."""
    serving = settings.DATABASES["default"].get("USER")
    if settings.DATABASE_OWNER_LOGIN["USER"] != serving:
        return []
    return [
        Warning(
            "Requests are served by the login that owns the tables.",
            id="hub.W005",
            hint="Set DATABASE_OWNER_URL to the owner, and DATABASE_URL to a login of its own.",
        )
    ]


@register(Tags.caches)
def several_workers_share_limits(**_kwargs: Any) -> Sequence[CheckMessage]:
    """Rate limits hold across workers only when the workers share their counters."""
    if settings.REDIS_URL or settings.WEB_CONCURRENCY == 1:
        return []
    return [
        Error(
            f"WEB_CONCURRENCY is {settings.WEB_CONCURRENCY}, and REDIS_URL is not set.",
            id="hub.E003",
            hint="Set REDIS_URL, or serve with one worker.",
        )
    ]
