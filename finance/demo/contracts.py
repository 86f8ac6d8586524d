"""The demo's contracts: yearly ones since the customer started, the newest of them running."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from cs_integrations.customers.demo import names
from cs_integrations.customers.demo.portfolio import Portfolio
from cs_integrations.customers.demo.roster import Account
from cs_integrations.customers.health import Zone
from cs_integrations.customers.models import Customer, Segment
from finance.demo import dates
from finance.models import Contract

EXAMPLE_CONTRACT = "ctr_123"  # of the specification's value realization
YEAR = timedelta(days=365)
EARLIER_VALUE = Decimal("0.9")  # of what the next contract is worth
EXAMPLE_TERM_LEFT = timedelta(days=372)  # twelve months, today and in a fortnight
EXAMPLE_MONTHS_OVER = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A demo account and its contracts, without gaps, oldest first."""

    account: Account
    contracts: Sequence[Contract]

    @property
    def zone(self) -> Zone:
        """The account's zone; without health it counts as yellow, and as red once it left."""
        return self.account.zone or (Zone.YELLOW if self.account.is_active else Zone.RED)


def last_day(contract: Contract) -> date:
    """Return the day on which a contract ended or will end."""
    return contract.closed_date or contract.end_date


def write_contracts(portfolio: Portfolio) -> list[Holder]:
    """Write the contracts of every demo account and return them by holder."""
    holders = [
        Holder(
            account=account,
            contracts=_contracts(account, portfolio.customers[public_id], portfolio.as_of),
        )
        for public_id, account in portfolio.accounts.items()
    ]
    # A superseded contract names its successor, so the newest are written first.
    Contract.objects.bulk_create(holder.contracts[-1] for holder in holders)
    Contract.objects.bulk_create(old for holder in holders for old in holder.contracts[:-1])
    return holders


def _contracts(account: Account, customer: Customer, as_of: date) -> list[Contract]:
    """Return an account's unsaved contracts; of one that left, the last ended on that day."""
    public_id = names.contract_id(account.public_id)
    end = as_of + timedelta(days=account.renewal_in_days)
    start = end - YEAR
    if public_id == EXAMPLE_CONTRACT:
        start = dates.first_of_month(as_of, months_back=EXAMPLE_MONTHS_OVER)
        end = as_of + EXAMPLE_TERM_LEFT
    current = Contract(
        public_id=public_id,
        customer=customer,
        start_date=start,
        end_date=end,
        annual_value=account.annual_value,
    )
    earlier_starts = list(dates.every(YEAR, start=account.started_date, end=start))
    contracts = [current]
    for number, (first, following) in reversed(
        list(enumerate(pairwise([*earlier_starts, start]), start=1))
    ):
        has_grown = contracts[0] is current and _is_growing(account)
        past = Contract(
            public_id=f"{public_id}T{number}",
            customer=customer,
            start_date=first,
            end_date=first + YEAR * (2 if has_grown else 1) - timedelta(days=1),
            annual_value=(contracts[0].annual_value * EARLIER_VALUE).quantize(Decimal(1)),
        )
        if past.end_date >= following:
            past.status = Contract.Status.SUPERSEDED
            past.closed_date = following - timedelta(days=1)
            past.superseded_by = contracts[0]
        contracts.insert(0, past)
    return contracts


def _is_growing(account: Account) -> bool:
    """Say whether the account replaced a two-year contract by a larger one halfway."""
    return account.expansion_ready and account.segment != Segment.SMALL_BUSINESS
