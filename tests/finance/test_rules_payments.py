"""Payment trouble, read as a specification: docs/rules/finance.md."""

from datetime import date

import pytest

from finance import rules

TODAY = date(2026, 4, 1)  # the window starts on 2026-01-01


def day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


@pytest.mark.parametrize(
    ("due", "paid", "late", "why"),
    [
        ("2026-02-01", "2026-02-01", 0, "paid on the day"),
        ("2026-02-01", "2026-01-20", 0, "paid early"),
        ("2026-02-01", "2026-02-02", 1, "a day late"),
        ("2026-03-31", None, 1, "due yesterday and open"),
        ("2026-04-01", None, 0, "due today"),
        ("2026-05-01", None, 0, "not due yet"),
        ("2025-06-01", None, 1, "open since long before the window"),
        ("2025-06-01", "2026-01-01", 1, "paid late on the window's first day"),
        ("2025-06-01", "2025-12-31", 0, "paid late before the window"),
        ("2026-03-01", "2026-04-20", 1, "paid only after the day we look at"),
    ],
)
def test_a_payment_is_late_from_the_day_after_it_was_due(
    due: str, paid: str | None, late: int, why: str
) -> None:
    payment = rules.PaymentFact(due_date=date.fromisoformat(due), paid_date=day(paid))
    standing = rules.payment_standing(payments=[payment], as_of=TODAY)
    assert (standing.late, standing.disputed) == (late, 0), why
    assert standing.has_trouble is bool(late)


@pytest.mark.parametrize(
    ("disputed", "settled", "expected", "why"),
    [
        (None, None, 0, "never disputed"),
        ("2026-03-01", None, 1, "open"),
        ("2025-06-01", None, 1, "open since long before the window"),
        ("2025-06-01", "2026-01-01", 1, "settled on the window's first day"),
        ("2025-06-01", "2025-12-31", 0, "settled before the window"),
        ("2026-04-02", None, 0, "disputed only after the day we look at"),
    ],
)
def test_a_dispute_is_trouble_until_it_is_settled(
    disputed: str | None, settled: str | None, expected: int, why: str
) -> None:
    payment = rules.PaymentFact(
        due_date=date(2026, 2, 1),
        paid_date=date(2026, 2, 1),
        disputed_date=day(disputed),
        settled_date=day(settled),
    )
    standing = rules.payment_standing(payments=[payment], as_of=TODAY)
    assert (standing.late, standing.disputed) == (0, expected), why
    assert standing.has_trouble is bool(expected)


def test_without_payments_there_is_no_trouble() -> None:
    assert not rules.payment_standing(payments=[], as_of=TODAY).has_trouble
