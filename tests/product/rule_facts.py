"""The day and the customers that the tests of the product rules share."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from product.rules import CurrentHealth, CustomerUse, DailyUsers

TODAY = date(2026, 5, 20)


def days_ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def a_customer(**changes: object) -> CustomerUse:
    """An enterprise entitled for 200 days that uses the feature well; nothing is wrong."""
    content = CustomerUse(
        segment="enterprise",
        enabled_date=days_ago(200),
        first_use_date=days_ago(199),
        uses=100,
        errors=0,
        successes=95,
        users=DailyUsers(user_days=140, recorded_days=28),
        licensed_users=10,
        health=CurrentHealth(
            score=Decimal(80),
            engagement=Decimal(70),
            business=Decimal(90),
            relationship=Decimal(60),
        ),
        training_pct=Decimal(90),
        rating=Decimal("4.5"),
    )
    return replace(content, **changes)  # type: ignore[arg-type]
