"""What the demo's customers bought and renewed, and who had been in touch with them before."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from cs_integrations.customers.demo import Account, names
from cs_integrations.customers.models import Segment
from marketing.demo.draft import Draft
from marketing.demo.plan import JOINING_DAYS, NAMED_RUN, NAMED_SALES, Run
from marketing.models import CampaignEnrollment, RevenueEvent
from marketing.rules import PARAMETERS, RevenueKind

_YEAR_DAYS = 365
_SALES_A_RUN = 4
_REFUNDED_AFTER = timedelta(days=20)
_ROUND_TO = 50  # US dollars
_GROWTH = (RevenueKind.EXPANSION, RevenueKind.UPSELL, RevenueKind.CROSS_SELL)
_AMOUNTS = {  # US dollars a sale
    Segment.ENTERPRISE: (8_000, 20_000),
    Segment.MID_MARKET: (900, 3_600),
    Segment.SMALL_BUSINESS: (200, 900),
}
# The named campaign can claim what closed up to here; all other growth came later.
_LATER_DAYS = NAMED_RUN.days_ago - JOINING_DAYS - PARAMETERS.revenue_days - 2
_SOONEST_DAYS = 8  # after an enrollment


def add_named_sales(draft: Draft, sellers: Sequence[Account]) -> None:
    """Add what the named campaign earned; the sellers take part in no other campaign."""
    for account, sale in zip(sellers, NAMED_SALES, strict=True):
        days_ago = NAMED_RUN.days_ago - sale.days_after
        _add_growth(
            draft,
            account,
            kind=sale.kind,
            amount=sale.amount,
            days_ago=days_ago,
            is_cs_driven=sale.is_cs_driven,
        )
        draft.touch(
            account,
            before=draft.moment(days_ago),
            cs_touches=sale.cs_touches,
            others=sale.all_touches - sale.cs_touches,
        )


def add_sales(draft: Draft, run: Run, rows: Sequence[CampaignEnrollment]) -> None:
    """Add growth of some participants after a campaign, while it can be claimed."""
    latest = run.days_ago - JOINING_DAYS - _SOONEST_DAYS
    earliest = run.days_ago - PARAMETERS.revenue_days + 1
    if run.is_young or earliest > min(latest, _LATER_DAYS):
        return
    by_key = {draft.key(account): account for account, _ in draft.portfolio.active()}
    for row in draft.random.sample(list(rows), _SALES_A_RUN):
        account = by_key[row.customer_id]
        low, high = _AMOUNTS[account.segment]
        days_ago = draft.random.randint(earliest, min(latest, _LATER_DAYS))
        _add_growth(
            draft,
            account,
            kind=draft.random.choice(_GROWTH),
            amount=draft.random.randrange(low, high, _ROUND_TO),
            days_ago=days_ago,
            is_cs_driven=draft.random.random() < 0.4,  # noqa: PLR2004 - two of five
        )
        draft.touch(
            account,
            before=draft.moment(days_ago),
            cs_touches=draft.random.randrange(4),
            others=draft.random.randrange(2, 7),
        )


def refund_one(draft: Draft) -> None:
    """Take back the last sale that was added."""
    sale = draft.revenues[-1]
    sale.refunded_at = sale.closed_at + _REFUNDED_AFTER


def add_renewals(draft: Draft, sellers: Sequence[Account]) -> None:
    """Add the renewal behind each current contract that is not a customer's first.

    The sellers have no touchpoints before it: those before their sales are counted.
    """
    for account, _ in draft.portfolio.active():
        contract_age = _YEAR_DAYS - account.renewal_in_days
        begin = draft.portfolio.as_of - timedelta(days=contract_age)
        if account.started_date >= begin:
            continue
        closed_at = draft.moment(contract_age)
        draft.revenues.append(
            RevenueEvent(
                customer_id=draft.key(account),
                kind=RevenueKind.RENEWAL.value,
                amount=account.annual_value,
                closed_at=closed_at,
                deal_id=names.deal_id(account.public_id),
                contract_id=names.contract_id(account.public_id),
            )
        )
        if account not in sellers:
            draft.touch(
                account,
                before=closed_at,
                cs_touches=draft.random.randrange(1, 5),
                others=draft.random.randrange(1, 5),
            )


def _add_growth(
    draft: Draft,
    account: Account,
    *,
    kind: RevenueKind,
    amount: int,
    days_ago: int,
    is_cs_driven: bool,
) -> None:
    """Add a sale; it belongs to the current contract if that had begun."""
    is_current = days_ago <= _YEAR_DAYS - account.renewal_in_days
    draft.revenues.append(
        RevenueEvent(
            customer_id=draft.key(account),
            kind=kind.value,
            amount=Decimal(amount),
            closed_at=draft.moment(days_ago),
            is_cs_driven=is_cs_driven,
            contract_id=names.contract_id(account.public_id) if is_current else "",
        )
    )
