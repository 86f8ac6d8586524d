"""Do what has fallen due in the executions; meant to run every minute."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from operations import actions, queries


class Command(BaseCommand):
    help = "Advance executions that wait or have a retry due, and note missed due times."

    def handle(self, *args: Any, **options: Any) -> str:
        at = timezone.now()
        due = queries.due_executions(at=at)
        for execution_id in due:
            with transaction.atomic():  # its locks are given back before the next one's are taken
                status = actions.advance_execution(execution_id=execution_id, at=at)
            self.stdout.write(f"{execution_id} {status}")
        breaches = actions.note_breaches(at=at)
        return f"Executions advanced: {len(due)}; due times missed: {breaches}."
