"""Days of the demo."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

STABLE = timedelta(days=14)  # the demo's answers hold for so long
SHORTEST_MONTH_DAYS = 28


def every(step: timedelta, *, start: date, end: date) -> Iterator[date]:
    """Yield the days from ``start``, step by step, before ``end``."""
    day = start
    while day < end:
        yield day
        day += step


def monthly(*, start: date, last: date) -> Iterator[date]:
    """Yield ``start`` and its day of each later month, at most the 28th, up to ``last``."""
    due, months = start, 0
    while due <= last:
        yield due
        months += 1
        first = first_of_month(start, months_back=-months)
        due = first.replace(day=min(start.day, SHORTEST_MONTH_DAYS))


def first_of_month(day: date, *, months_back: int) -> date:
    """Return the first day of the month so many months before; negative: after."""
    index = day.year * 12 + day.month - 1 - months_back
    return date(index // 12, index % 12 + 1, 1)


def midnight(day: date) -> datetime:
    """Return the day's first moment, UTC."""
    return datetime.combine(day, time(), UTC)
