"""Load the demo portfolio into an empty database."""

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from cs_integrations import exchange
from cs_integrations.customers.demo.portfolio import build_portfolio
from cs_integrations.customers.models import Customer

FULL_DAYS, LIGHT_DAYS = 180, 100  # light still covers every 90-day rule


class Command(BaseCommand):
    help = "Load the demo portfolio: the same facts for the same day and random seed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--as-of", type=_day, help="the demo's today, YYYY-MM-DD")
        parser.add_argument("--random-seed", type=int, default=1)
        parser.add_argument("--light", action="store_true", help="shorter daily histories")

    def handle(self, *args: Any, **options: Any) -> str:
        if Customer.objects.exists():
            return "There are customers already; nothing was loaded."
        with transaction.atomic():
            portfolio = build_portfolio(
                as_of=options["as_of"] or timezone.now().date(),
                random_seed=options["random_seed"],
                days=LIGHT_DAYS if options["light"] else FULL_DAYS,
            )
            self.stdout.write(f"customers: {len(portfolio.customers)} accounts")
            for domain, step in exchange.demo.items():
                self.stdout.write(f"{domain}: {step.call(portfolio=portfolio)}")
        return f"Loaded the demo portfolio as of {portfolio.as_of}."


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{text!r} is not a day such as 2026-11-23.") from error
