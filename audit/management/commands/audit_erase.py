"""Erase a client's exact requests of a month by destroying the key they are encrypted with."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit.keeping import erasure
from audit.management.arguments import month
from audit.owner import Refused, as_owner


class Command(BaseCommand):
    help = (
        "Destroy the data keys of a client's exact requests: nobody can read or replay them again,"
        " and every proof still verifies. This cannot be undone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--client", required=True, help="client id")
        span = parser.add_mutually_exclusive_group(required=True)
        span.add_argument("--month", type=month, help="such as 2026-11")
        span.add_argument("--all-months", action="store_true")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        client_id, of_month = options["client"], options["month"]
        try:
            with as_owner():
                plan = erasure.planned(client_id=client_id, month=of_month)
                self.stdout.write(f"{_described(plan)} of {client_id} become unreadable for ever.")
                if not options["yes"] and not _is_confirmed():
                    raise CommandError("Nothing was erased.")
                done = erasure.erase(client_id=client_id, month=of_month, at=timezone.now())
        except Refused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Erased: {_described(done)}, {len(done.keys)} data keys destroyed.")


def _is_confirmed() -> bool:
    try:
        return input("Type yes to go on: ") == "yes"
    except EOFError as error:
        raise CommandError("Nothing was erased: there is nobody to ask; pass --yes.") from error


def _described(plan: erasure.Erasure) -> str:
    months = ", ".join(f"{month:%Y-%m}" for month in plan.months)
    return f"{plan.requests:,} exact requests ({months})"
