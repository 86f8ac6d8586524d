"""Delete the stored answers of keyed requests that are too old to be repeated."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from cs_integrations.api.idempotency import KEPT_FOR
from cs_integrations.clients.models import IdempotencyRecord


class Command(BaseCommand):
    help = "Delete answers stored under an Idempotency-Key more than 24 hours ago."

    def handle(self, *args: Any, **options: Any) -> str:
        expired = IdempotencyRecord.objects.filter(created_at__lte=timezone.now() - KEPT_FOR)
        count, _ = expired.delete()
        return f"Deleted {count} stored answers."
