"""Make months ahead, empty the default partitions, drop the months whose time is over."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit.keeping import retention
from audit.keys import KeyUnavailable
from audit.owner import Refused, as_owner


class Command(BaseCommand):
    help = (
        "Drop whole months of records and bodies past their time, each behind a signed tombstone."
        " Exit code 1 when something that is due could not be done."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would be done")

    def handle(self, *args: Any, **options: Any) -> None:
        refused = steps = 0
        try:
            with as_owner():
                for step in retention.run(at=timezone.now(), is_dry_run=options["dry_run"]):
                    self.stdout.write(step.text)
                    steps += 1
                    refused += step.is_refused
        except (Refused, KeyUnavailable) as error:
            raise CommandError(str(error)) from error
        if refused:
            raise CommandError(f"{refused} of {steps} steps could not be taken")
        if not steps:
            self.stdout.write("Nothing is due.")
