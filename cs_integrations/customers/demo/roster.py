"""Who the demo customers are: 45 accounts, three that left and one that has just begun.

Segment by zone is exactly green 3, 9, 8; yellow 3, 6, 6; red 2, 4, 4 (enterprise,
mid-market, small). 12 green accounts are ready to expand, 8 red ones may leave.
Source: ITP test portfolio; subscription management page (plans); business model overview
(industries: 19 agencies, 14 SaaS, 5 e-commerce, 4 financial, 3 healthcare).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from random import Random

from cs_integrations.customers.health import Zone
from cs_integrations.customers.models import Segment

ENT, MID, SMALL = Segment.ENTERPRISE, Segment.MID_MARKET, Segment.SMALL_BUSINESS
GREEN, YELLOW, RED = Zone.GREEN, Zone.YELLOW, Zone.RED
YEAR_DAYS = 365
SHORT_HISTORY_DAYS = 10
NEWCOMER_DAYS = 2
# A year's history at least, so that every series of the demo is complete.
_SHORTEST_PAST_DAYS = 240


class Trait(StrEnum):
    """What sets an account apart."""

    READY = "expansion_ready"  # green, and as AT_LIMITS
    AT_LIMITS = "at_limits"  # 85% of its seats in use or more, content C-level sponsor
    LEAVING = "churn_risk"  # red, 34 to 54 points, renewal within 120 days
    STEADY = "steady"  # health stays within two points for the last 35 days
    OPTED_OUT = "opted_out"  # no contact may be written to
    DISPUTED = "disputed"  # disputes a payment
    SHORT_HISTORY = "short_history"  # began 10 days ago
    NO_HEALTH = "no_health"  # began this week, nothing measured yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A demo customer's traits, from which every domain makes its own facts."""

    public_id: str
    name: str
    segment: Segment
    industry: str  # agency, saas, ecommerce, financial, healthcare
    plan_code: str
    seats: int  # licensed users
    eligible_users: int  # people who could use a seat, >= seats
    workspaces: int
    business_units: int  # units that could use a workspace, >= workspaces
    annual_value: Decimal  # US dollars a year; 12 times the subscription's monthly price
    zone: Zone | None  # of the latest health; None: no health, or the customer left
    score: Decimal | None  # the latest computed health, exactly; None as for the zone
    started_date: date
    renewal_in_days: int  # > 0; for a customer that left: days since it did, < 0
    churned_date: date | None
    traits: frozenset[Trait]

    @property
    def is_active(self) -> bool:
        return self.churned_date is None

    @property
    def at_limits(self) -> bool:
        return Trait.READY in self.traits or Trait.AT_LIMITS in self.traits

    @property
    def expansion_ready(self) -> bool:
        return Trait.READY in self.traits

    @property
    def churn_risk(self) -> bool:
        return Trait.LEAVING in self.traits

    @property
    def opted_out(self) -> bool:
        return Trait.OPTED_OUT in self.traits

    @property
    def disputed(self) -> bool:
        return Trait.DISPUTED in self.traits

    @property
    def short_history(self) -> bool:
        return Trait.SHORT_HISTORY in self.traits

    @property
    def no_health(self) -> bool:
        return Trait.NO_HEALTH in self.traits


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of the roster; what it leaves open is drawn."""

    name: str
    segment: Segment
    zone: Zone | None
    industry: str
    plan_code: str
    traits: tuple[Trait, ...] = ()
    public_id: str = ""
    score: str = ""
    renewal_in_days: int = 0
    contract: int = 0  # US dollars a year, of an enterprise account
    churned_months_ago: int = 0


_READY = (Trait.READY,)
_LEAVING = (Trait.LEAVING,)

ENTERPRISE_ROWS = (
    _Row(
        "Meridian Growth Group",
        ENT,
        GREEN,
        "agency",
        "enterprise",
        (Trait.READY, Trait.STEADY),
        public_id="cust_12345",
        score="85",
        renewal_in_days=96,
        contract=150_000,
    ),
    _Row("Halden Software", ENT, GREEN, "saas", "enterprise", _READY, contract=180_000),
    _Row("Corvina Media", ENT, GREEN, "agency", "enterprise", contract=90_000),
    _Row(
        "Northwind Outreach",
        ENT,
        YELLOW,
        "agency",
        "enterprise",
        (Trait.STEADY, Trait.AT_LIMITS),
        public_id="cust_123",
        score="76",
        renewal_in_days=110,
        contract=120_000,
    ),
    _Row(
        "Alder & Finch Digital",
        ENT,
        YELLOW,
        "saas",
        "enterprise",
        (Trait.STEADY,),
        public_id="cust_789",
        score="71.5",
        renewal_in_days=205,
        contract=96_000,
    ),
    _Row("Castellan Capital", ENT, YELLOW, "financial", "enterprise", contract=144_000),
    _Row("Brightwater Systems", ENT, RED, "saas", "enterprise", _LEAVING, contract=108_000),
    _Row("Ostrava Marketplace", ENT, RED, "ecommerce", "enterprise", contract=78_000),
)
MID_MARKET_ROWS = (
    _Row("Pinecrest Demand", MID, GREEN, "agency", "business", _READY),
    _Row("Lumen Ledger", MID, GREEN, "saas", "business", _READY),
    _Row("Harborline Agency", MID, GREEN, "agency", "business", _READY),
    _Row("Quillstone Analytics", MID, GREEN, "saas", "professional", _READY),
    _Row("Tamarind Commerce", MID, GREEN, "ecommerce", "business", _READY),
    _Row("Vantage Row Partners", MID, GREEN, "agency", "professional", _READY),
    _Row("Sable & Thorn", MID, GREEN, "agency", "business", (Trait.DISPUTED,)),
    _Row("Kestrel Wealth", MID, GREEN, "financial", "business"),
    _Row("Orchard Clinic Network", MID, GREEN, "healthcare", "professional"),
    _Row("Fieldnote Labs", MID, YELLOW, "saas", "business", (Trait.STEADY,), score="65"),
    _Row("Bluegate Outbound", MID, YELLOW, "agency", "business", (Trait.OPTED_OUT,)),
    _Row("Parallel Pipeline", MID, YELLOW, "agency", "professional"),
    _Row("Mosswood Health", MID, YELLOW, "healthcare", "business"),
    _Row("Cobalt Invoicing", MID, YELLOW, "financial", "professional"),
    _Row("Redfern Retail", MID, YELLOW, "ecommerce", "professional"),
    _Row("Gantry Cloud", MID, RED, "saas", "business", _LEAVING, score="45"),
    _Row("Silverbirch Media", MID, RED, "agency", "business", _LEAVING),
    _Row("Dovetail Scheduling", MID, RED, "saas", "professional", _LEAVING),
    _Row("Anchor Street Agency", MID, RED, "agency", "business", _LEAVING),
)
SMALL_BUSINESS_ROWS = (
    _Row("Tern & Tide", SMALL, GREEN, "agency", "professional", _READY),
    _Row("Papercrane Apps", SMALL, GREEN, "saas", "starter", _READY),
    _Row("Juniper Leads", SMALL, GREEN, "agency", "professional", _READY),
    _Row("Oakhill Studio", SMALL, GREEN, "agency", "starter", _READY),
    _Row("Willow Cart", SMALL, GREEN, "ecommerce", "professional"),
    _Row("Mapleforge", SMALL, GREEN, "saas", "starter"),
    _Row("Copperfield Tax", SMALL, GREEN, "financial", "professional"),
    _Row("Larkspur Creative", SMALL, GREEN, "agency", "starter"),
    _Row("Hazel Dental Group", SMALL, YELLOW, "healthcare", "professional"),
    _Row("Signal & Sons", SMALL, YELLOW, "agency", "starter"),
    _Row("Driftwood Goods", SMALL, YELLOW, "ecommerce", "professional"),
    _Row("Nimbus Notes", SMALL, YELLOW, "saas", "starter"),
    _Row("Foxglove Outreach", SMALL, YELLOW, "agency", "starter"),
    _Row("Stackyard", SMALL, YELLOW, "saas", "starter", (Trait.SHORT_HISTORY,)),
    _Row("Rowan Referrals", SMALL, RED, "agency", "professional", _LEAVING),
    _Row("Thistle Metrics", SMALL, RED, "saas", "starter", _LEAVING),
    _Row("Beacon Hill Leads", SMALL, RED, "agency", "starter", _LEAVING),
    _Row("Ploverdesk", SMALL, RED, "saas", "professional"),
)
LEFT_ROWS = (
    _Row("Ironbark Promotions", SMALL, None, "agency", "starter", churned_months_ago=1),
    _Row("Greywell Software", MID, None, "saas", "professional", churned_months_ago=4),
    _Row("Summit Lane Stores", SMALL, None, "ecommerce", "starter", churned_months_ago=9),
)
NEWCOMER_ROW = _Row("Fernbank Freelance", SMALL, None, "agency", "starter", (Trait.NO_HEALTH,))
ROWS = (*ENTERPRISE_ROWS, *MID_MARKET_ROWS, *SMALL_BUSINESS_ROWS, *LEFT_ROWS, NEWCOMER_ROW)

_PLAN_PRICES = {"starter": 49, "professional": 149, "business": 399}  # US dollars a month
_PLAN_SEATS = {"starter": 2, "professional": 5, "business": 15}
_SEAT_PRICE = 15  # US dollars a month, for a seat beyond the plan's
_ENTERPRISE_SEATS = 60


def accounts(*, as_of: date, random: Random) -> tuple[Account, ...]:
    """Return the demo accounts as they stand on a day, always in the same order."""
    ids = _free_ids()
    return tuple(_account(row, row.public_id or next(ids), as_of, random) for row in ROWS)


def _free_ids() -> Iterator[str]:
    named = {row.public_id for row in ROWS}
    numbered = (f"cust_{number}" for number in range(101, 101 + 2 * len(ROWS)))
    return (public_id for public_id in numbered if public_id not in named)


def _account(row: _Row, public_id: str, as_of: date, random: Random) -> Account:
    # Everything is drawn for every row: a change of one row leaves the others as they are.
    score, renewal_in_days = _draw_score(row, random), _draw_renewal(row, random)
    size = _draw_size(row, random)
    churned_date = _months_earlier(as_of, row.churned_months_ago)
    if churned_date is not None:
        renewal_in_days = (churned_date - as_of).days
    return Account(
        public_id=public_id,
        name=row.name,
        segment=row.segment,
        industry=row.industry,
        plan_code=row.plan_code,
        seats=size.seats,
        eligible_users=size.eligible_users,
        workspaces=size.workspaces,
        business_units=size.business_units,
        annual_value=_annual_value(row, size.seats),
        zone=row.zone,
        score=score,
        started_date=_started(as_of, renewal_in_days, random),
        renewal_in_days=renewal_in_days,
        churned_date=churned_date,
        traits=frozenset(row.traits),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Size:
    seats: int
    eligible_users: int
    workspaces: int
    business_units: int


def _draw_size(row: _Row, random: Random) -> _Size:
    """Draw what was bought and what could be; a contract covers all that could be used."""
    few, some = random.randrange(3), random.randrange(2, 6)
    if row.segment == ENT:
        seats = _ENTERPRISE_SEATS + 10 * some
        return _Size(seats=seats, eligible_users=seats, workspaces=some, business_units=some)
    is_ready = Trait.READY in row.traits
    seats = _PLAN_SEATS[row.plan_code] + (few if row.segment == MID else 0)
    workspaces = 1 + few
    return _Size(
        seats=seats,
        eligible_users=seats + (some if is_ready else few),
        workspaces=workspaces,
        business_units=workspaces + (1 if is_ready else 0),
    )


def _annual_value(row: _Row, seats: int) -> Decimal:
    if row.contract:
        return Decimal(row.contract)
    extra_seats = seats - _PLAN_SEATS[row.plan_code]
    return Decimal(12 * (_PLAN_PRICES[row.plan_code] + _SEAT_PRICE * extra_seats))


def _draw_score(row: _Row, random: Random) -> Decimal | None:
    """Draw a score inside the row's zone, in hundredths of a point."""
    share = random.random()
    if row.score:
        return Decimal(row.score).quantize(Decimal("0.01"))
    if row.zone is None:
        return None
    low, high = {GREEN: (80_00, 97_00), YELLOW: (60_00, 79_90), RED: (55_00, 59_90)}[row.zone]
    if Trait.LEAVING in row.traits:
        low, high = 34_00, 54_00
    return Decimal(low + round(share * (high - low))).scaleb(-2)


def _draw_renewal(row: _Row, random: Random) -> int:
    """Draw the days to the renewal, so that no account leaves its trait within 14 days."""
    share = random.random()
    if row.renewal_in_days:
        return row.renewal_in_days
    if Trait.SHORT_HISTORY in row.traits:
        return YEAR_DAYS - SHORT_HISTORY_DAYS
    if Trait.NO_HEALTH in row.traits:
        return YEAR_DAYS - NEWCOMER_DAYS
    low, high = 150, 340
    if Trait.LEAVING in row.traits:
        low, high = 25, 115
    elif Trait.READY in row.traits:
        low, high = 78, 260
    return low + round(share * (high - low))


def _started(as_of: date, renewal_in_days: int, random: Random) -> date:
    """Return the first day of a yearly contract that renews then, one to three years back."""
    more_years = random.randrange(3)
    age_days = YEAR_DAYS - renewal_in_days
    if age_days > max(SHORT_HISTORY_DAYS, NEWCOMER_DAYS):
        age_days += YEAR_DAYS * more_years
        if age_days < _SHORTEST_PAST_DAYS:
            age_days += YEAR_DAYS
    return as_of - timedelta(days=age_days)


def _months_earlier(day: date, months: int) -> date | None:
    """Return about the same day so many months earlier, at most the 28th; None for no months."""
    if not months:
        return None
    month_index = day.year * 12 + day.month - 1 - months
    return date(month_index // 12, month_index % 12 + 1, min(day.day, 28))
