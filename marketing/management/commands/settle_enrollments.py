"""End enrollments that have run their time and measure what they did for health."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from marketing.actions import settle_enrollments


class Command(BaseCommand):
    help = "End enrollments that have run their time and measure them; for a daily schedule."

    def handle(self, *args: Any, **options: Any) -> str:
        with transaction.atomic():
            measured = settle_enrollments(at=timezone.now())
        return f"Measured {measured} enrollments."
