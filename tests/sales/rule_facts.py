"""Dates, amounts and use that the tests of the sales rules share."""

from datetime import date

from hypothesis import strategies as st

from sales import rules
from sales.rules import UsageMetric

TODAY = date(2025, 11, 16)
POINTS = st.decimals(min_value=0, max_value=100, places=2)
MAIL = UsageMetric.MAIL_VOLUME


def use(
    month: int, used: int, limit: int | None = 100, metric: UsageMetric = UsageMetric.SEATS
) -> rules.MonthlyUse:
    return rules.MonthlyUse(month=date(2025, month, 1), metric=metric, used=used, limit=limit)
