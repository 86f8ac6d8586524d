"""The demo portfolio: who the customers are and what they did so far."""

from cs_integrations.customers.demo.portfolio import Portfolio, build_portfolio
from cs_integrations.customers.demo.roster import Account, Trait

__all__ = ("Account", "Portfolio", "Trait", "build_portfolio")
