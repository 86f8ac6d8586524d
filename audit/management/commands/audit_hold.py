"""Place, release and list legal holds on months of the trail."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit.keeping import holds
from audit.management.arguments import add_operator, month
from audit.models import LegalHold
from audit.owner import Refused, as_owner


class Command(BaseCommand):
    help = "Keep months of the trail beyond their time: place, release, list."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        place = actions.add_parser("place", help="keep a month, or all")
        span = place.add_mutually_exclusive_group(required=True)
        span.add_argument("--month", type=month, help="such as 2026-11")
        span.add_argument("--all", action="store_true", help="all months")
        place.add_argument("--reason", required=True, help="case, court, reference")
        add_operator(place)
        release = actions.add_parser("release", help="end a hold")
        release.add_argument("number", type=int)
        add_operator(release)
        actions.add_parser("list", help="all holds, the released ones too")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with as_owner():
                getattr(self, f"_{options['action']}")(options)
        except Refused as error:
            raise CommandError(str(error)) from error

    def _place(self, options: dict[str, Any]) -> None:
        if not options["reason"].strip():
            raise CommandError("A hold needs a reason.")
        number = holds.place(
            month=options["month"],
            reason=options["reason"],
            operator=options["operator"],
            at=timezone.now(),
        )
        self.stdout.write(f"Hold {number} is in force.")

    def _release(self, options: dict[str, Any]) -> None:
        holds.release(number=options["number"], operator=options["operator"], at=timezone.now())
        self.stdout.write(f"Hold {options['number']} is released.")

    def _list(self, options: dict[str, Any]) -> None:
        for hold in holds.listed():
            self.stdout.write(_line(hold))


def _line(hold: LegalHold) -> str:
    span = "all months" if hold.month is None else f"{hold.month:%Y-%m}"
    line = f"{hold.pk}  {span}  {hold.reason}  placed by {hold.placed_by} {hold.placed_at:%Y-%m-%d}"
    if hold.released_at is None:
        return line
    return f"{line}, released by {hold.released_by} {hold.released_at:%Y-%m-%d}"
