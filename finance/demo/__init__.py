"""The finance demo facts: contracts, promises, deliveries, CS cost, credit and payments.

docs/rules/finance.md, "The demo", says how the examples' numbers come about. Nothing falls due
within a fortnight of the seeding day, so that the answers hold for so long.
"""

from cs_integrations.customers.demo.portfolio import Portfolio
from finance.demo.contracts import write_contracts
from finance.demo.payments import write_payments
from finance.demo.promises import write_promises
from finance.demo.returns import write_cost_and_credit

__all__ = ("build",)


def build(*, portfolio: Portfolio) -> str:
    """Write the finance facts of the demo customers and say how many there are."""
    random = portfolio.rng("finance")
    holders = write_contracts(portfolio)
    deliveries = write_promises(holders, portfolio.as_of, random)
    write_cost_and_credit(holders, portfolio.as_of, random)
    payments = write_payments(holders, portfolio.as_of, random)
    contracts = sum(len(holder.contracts) for holder in holders)
    return f"{contracts} contracts, {deliveries} deliveries, {payments} payments"
