"""Numbers as the specification writes them: "42%", "$12,500", "$150k", "11.8x", "4h".

Every percent, money amount, multiple and duration that leaves the API is made here.
All rounding is half-up, away from zero on a tie.
"""

import re
from datetime import timedelta
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

WHOLE = Decimal(1)
TENTH = Decimal("0.1")
THOUSAND = 1_000
# At most twelve digits before the point, ASCII only: the pattern also stands in the API document.
MONEY_PATTERN = r"^\$([0-9]{1,3}(,[0-9]{3}){1,3}|[0-9]{1,12})(\.[0-9]{1,4})?[kKmM]?$"
_MONEY = re.compile(MONEY_PATTERN)
_MAGNITUDES = {"k": THOUSAND, "m": 1_000_000}


def half_up(value: Decimal, step: Decimal = WHOLE) -> Decimal:
    """Return ``value`` rounded half-up to a multiple of ``step`` (a power of ten)."""
    return value.quantize(step, rounding=ROUND_HALF_UP)


def percent(value: Decimal) -> str:
    """Return a percentage: ``percent(Decimal("101.5"))`` is ``"102%"``."""
    return f"{_unsigned_zero(half_up(value))}%"


def money(value: Decimal) -> str:
    """Return whole dollars with thousands separators: ``"$12,500"``, ``"-$3"``."""
    whole = half_up(value)
    return f"{_sign(whole)}${abs(whole):,}"


def compact_money(value: Decimal) -> str:
    """Return dollars plain below 1,000, then in k and m with at most one decimal.

    ``"$999"``, ``"$1k"`` (from 999.95), ``"$150k"``, ``"$1.3m"``.
    """
    whole = half_up(value)
    if abs(whole) < THOUSAND:
        return f"{_sign(whole)}${abs(whole)}"
    thousands = half_up(value / THOUSAND, TENTH)
    if abs(thousands) < THOUSAND:
        return f"{_sign(thousands)}${_trimmed(abs(thousands))}k"
    millions = half_up(value / 1_000_000, TENTH)
    return f"{_sign(millions)}${_trimmed(abs(millions))}m"


def annualized(value: Decimal) -> str:
    """Return a yearly amount: ``"$150k_annualized"``."""
    return f"{compact_money(value)}_annualized"


def multiple(value: Decimal) -> str:
    """Return a multiple with one decimal: ``"11.8x"``."""
    return f"{_unsigned_zero(half_up(value, TENTH))}x"


def demonstrated_multiple(value: Decimal) -> str:
    """Return a multiple that was reached in full: ``"3x"`` from 3.99."""
    return f"{_unsigned_zero(value.quantize(WHOLE, rounding=ROUND_FLOOR))}x"


def duration(value: timedelta) -> str:
    """Return a time span in its largest whole unit of hours or minutes: ``"4h"``, ``"15m"``.

    A part of a minute counts as a whole one.
    """
    minutes = -(-value // timedelta(minutes=1))
    if minutes and minutes % 60 == 0:
        return f"{minutes // 60}h"
    return f"{minutes}m"


def quarter_target(quarter: int) -> str:
    """Return a roadmap position: ``"Q2_target"``; ``quarter`` is 1 to 4."""
    return f"Q{quarter}_target"


def parse_money(text: str) -> Decimal:
    """Return the dollars that ``"$75k"``, ``"$1,250.50"`` or ``"$2M"`` mean.

    :raises ValueError: the text is not written as money
    """
    if not _MONEY.fullmatch(text):
        raise ValueError(f"not an amount of money: {text!r}")
    digits = text.lstrip("$").replace(",", "")
    magnitude = _MAGNITUDES.get(digits[-1].lower(), 1)
    return Decimal(digits.rstrip("kKmM")) * magnitude


def _sign(value: Decimal) -> str:
    return "-" if value < 0 else ""


def _unsigned_zero(value: Decimal) -> Decimal:
    return abs(value) if value == 0 else value


def _trimmed(value: Decimal) -> str:
    text = str(value)
    return text.removesuffix(".0")
