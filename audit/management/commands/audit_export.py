"""Export part of the trail with its proofs into a file."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from audit.reading import filters
from audit.reading.exporting import Format, estimated_count, export, written_whole
from audit.reading.filters import InvalidFilter, RecordFilter

STANDARD_OUTPUT = "-"


class Command(BaseCommand):
    help = (
        "Export audit records, oldest first, with the receipts that prove them. The file appears"
        " when it is whole. `audit_verify --export FILE` checks an NDJSON export."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        filters.add_arguments(parser)
        parser.add_argument(
            "--format", choices=[form.value for form in Format], default=Format.NDJSON.value
        )
        parser.add_argument(
            "--output", required=True, metavar="FILE", help=f"{STANDARD_OUTPUT}: standard output"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            selection = filters.from_arguments(options)
            with _progress(selection) as progress:
                self._export(selection, Format(options["format"]), options["output"], progress)
        except (InvalidFilter, OSError) as error:
            raise CommandError(str(error)) from error

    def _export(
        self, selection: RecordFilter, form: Format, output: str, progress: Progress
    ) -> None:
        task = progress.task_ids[0]
        exported = export(
            selection,
            form=form,
            at=timezone.now(),
            on_records=lambda count: progress.update(task, advance=count),
        )
        if output == STANDARD_OUTPUT:
            sys.stdout.buffer.writelines(exported)
        else:
            written_whole(Path(output), exported)
        records = int(progress.tasks[task].completed)
        progress.update(task, total=records)
        self.stderr.write(f"Exported {records:,} records.")


@contextmanager
def _progress(selection: RecordFilter) -> Iterator[Progress]:
    """Show a bar on a terminal's standard error; how long it gets is the planner's guess."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as progress:
        progress.add_task("Exporting", total=estimated_count(selection, at=timezone.now()))
        yield progress
