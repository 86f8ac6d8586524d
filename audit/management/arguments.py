"""Arguments that several commands of the trail take."""

import getpass
from argparse import ArgumentTypeError
from datetime import UTC, date, datetime

from django.core.management.base import CommandParser


def month(text: str) -> date:
    """Return the first day of a month such as ``2026-11``."""
    try:
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError as error:
        raise ArgumentTypeError(f"{text} is not a month such as 2026-11") from error


def add_operator(parser: CommandParser) -> None:
    """Take the name of who gives the command."""
    parser.add_argument(
        "--operator",
        default=getpass.getuser(),
        help="who gives this command (now: %(default)s)",
    )
