"""What one domain offers to the others: named facts and named commands.

Domains never import each other. Each registers what it offers in ``AppConfig.ready()``;
the others call it by name, in the same transaction. Customers travel as primary keys
of ``customers.Customer``, many at once, so that no caller can make one query a customer.
All values are frozen; money is in US dollars, percentages in points (102 means 102%).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from cs_integrations.customers.demo.portfolio import Portfolio

Call = TypeVar("Call")


class OfferMissing(RuntimeError):
    """No domain has registered the fact or command that was called."""


class Offer(Generic[Call]):
    """A place where exactly one domain hangs the function behind a fact or command."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._provider: Call | None = None

    def provide(self, provider: Call) -> None:
        """Register the provider.

        :raises ValueError: another provider is already registered
        """
        if self._provider not in (None, provider):
            raise ValueError(f"{self.name} already has a provider")
        self._provider = provider

    @property
    def is_provided(self) -> bool:
        """Whether a domain has registered the provider."""
        return self._provider is not None

    @property
    def call(self) -> Call:
        """The provider's function.

        :raises OfferMissing: nobody provides it
        """
        if self._provider is None:
            raise OfferMissing(f"no domain provides {self.name}")
        return self._provider


# --- sales ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ExpectedDeal:
    """An open deal that is expected to close inside a period."""

    segment: str
    close_probability: Decimal  # 0 to 1


class ExpansionReadiness(Protocol):
    """Readiness 0 to 100 of each customer, None where too few factors are known."""

    def __call__(
        self, *, customer_ids: Collection[int], at: datetime
    ) -> Mapping[int, Decimal | None]: ...


class ExpectedDeals(Protocol):
    """Open deals with an expected close date in ``[start, end]``."""

    def __call__(self, *, start: date, end: date) -> Collection[ExpectedDeal]: ...


# --- product -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ContractedUse:
    """Use of an entitled feature against the contracted quantity, over one month."""

    feature_slug: str
    used: Decimal  # in the contracted unit
    contracted: Decimal  # > 0


class WeakCoreFeatures(Protocol):
    """Slugs of owned core features whose adoption at the customer is under the threshold."""

    def __call__(
        self, *, customer_ids: Collection[int], at: datetime
    ) -> Mapping[int, tuple[str, ...]]: ...


class ContractedUses(Protocol):
    """Use of each entitlement with a contracted quantity in the month that holds ``month``."""

    def __call__(
        self, *, customer_ids: Collection[int], month: date
    ) -> Mapping[int, tuple[ContractedUse, ...]]: ...


# --- finance -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ContractStanding:
    """Where a customer stands with its current contract; members are None when unknown."""

    contract_id: str  # public id
    annual_value: Decimal
    renewal_date: date
    delivery_pct: Decimal | None  # delivered against committed, rule E7
    realized_value: Decimal  # all deliveries of the customer's contracts
    fees_paid: Decimal
    has_payment_trouble: bool  # late or disputed in the trailing window


class ContractStandings(Protocol):
    """The current contract of each customer that has one."""

    def __call__(
        self, *, customer_ids: Collection[int], at: datetime
    ) -> Mapping[int, ContractStanding]: ...


# --- operations ----------------------------------------------------------------------------


class HighestOpenEscalations(Protocol):
    """The highest tier among the open escalations of each customer that has any."""

    def __call__(self, *, customer_ids: Collection[int]) -> Mapping[int, int]: ...


class ActiveCsms(Protocol):
    """Codes of the CSMs employed on a day; a handed-over deal is owned by one of them."""

    def __call__(self, *, on: date) -> frozenset[str]: ...


class StartWorkflow(Protocol):
    """Start a workflow for a customer by its code; return the execution's public id.

    An active execution of the same pair is reused.
    """

    def __call__(self, *, code: str, customer_id: int, tier: int, at: datetime) -> str: ...


# --- every domain that keeps objects of customers ------------------------------------------


class CustomersOf(Protocol):
    """The public ids of the customers that a domain's objects belong to.

    Both are public ids, as the audit trail knows nothing else; ids of other kinds, and of
    objects that do not exist, are absent.
    """

    def __call__(self, *, public_ids: Collection[str]) -> Mapping[str, str]: ...


# --- demo ----------------------------------------------------------------------------------


class BuildDemo(Protocol):
    """Write a domain's demo facts for the portfolio; return a line that says what was made."""

    def __call__(self, *, portfolio: "Portfolio") -> str: ...


expansion_readiness: Offer[ExpansionReadiness] = Offer("sales.expansion_readiness")
expected_deals: Offer[ExpectedDeals] = Offer("sales.expected_deals")
weak_core_features: Offer[WeakCoreFeatures] = Offer("product.weak_core_features")
contracted_uses: Offer[ContractedUses] = Offer("product.contracted_uses")
contract_standings: Offer[ContractStandings] = Offer("finance.contract_standings")
highest_open_escalations: Offer[HighestOpenEscalations] = Offer(
    "operations.highest_open_escalations"
)
active_csms: Offer[ActiveCsms] = Offer("operations.active_csms")
start_workflow: Offer[StartWorkflow] = Offer("operations.start_workflow")
customers_of: dict[str, Offer[CustomersOf]] = {
    domain: Offer(f"{domain}.customers_of")
    for domain in ("sales", "product", "finance", "operations")
}
demo: dict[str, Offer[BuildDemo]] = {
    domain: Offer(f"{domain}.demo")
    for domain in ("product", "finance", "sales", "marketing", "operations")  # in this order
}

OFFERS: tuple[Offer[Any], ...] = (
    expansion_readiness,
    expected_deals,
    weak_core_features,
    contracted_uses,
    contract_standings,
    highest_open_escalations,
    active_csms,
    start_workflow,
    *customers_of.values(),
    *demo.values(),
)
