"""The sales demo facts: deals and their handoffs, proof of value, what could be sold.

45 won deals, one for each account of the portfolio, 6 open and 9 lost ones. The newcomer and
the customers that left bought from the price list without a deal.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from random import Random

from cs_integrations.customers.demo.names import contract_id, deal_id
from cs_integrations.customers.demo.portfolio import Portfolio
from cs_integrations.customers.demo.roster import YEAR_DAYS, Account
from cs_integrations.customers.models import Customer, Segment
from sales.models import (
    BaselineKpi,
    Deal,
    EvidenceItem,
    HandoffItem,
    HandoffPackage,
    Opportunity,
    SuccessPlan,
    WhiteSpaceItem,
)

ENT, MID, SMALL = Segment.ENTERPRISE, Segment.MID_MARKET, Segment.SMALL_BUSINESS
SHOWCASE = "cust_123"  # of the specification's expansion example
PLAN_IDS = {"cust_103": "sp_456"}  # of the specification's handoff example; else sp_<number>
CSM_CODES = {ENT: "csm_senior", MID: "csm_mid", SMALL: "csm_small"}


class Handoff(Enum):
    """How far the handoff of a won deal is."""

    COMPLETE = "complete"
    WAITING = "waiting"  # nothing is missing, nobody has completed it yet
    GAPS = "gaps"  # it was tried, and parts are missing


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentDeal:
    """A deal won so lately that its handoff is not complete."""

    handoff: Handoff
    won_days_ago: int  # >= 1
    crm_excess_pct: Decimal = Decimal(0)  # of the CRM's amount over the contract's


RECENT_DEALS = {
    "cust_103": RecentDeal(handoff=Handoff.WAITING, won_days_ago=4, crm_excess_pct=Decimal("0.5")),
    "cust_113": RecentDeal(handoff=Handoff.WAITING, won_days_ago=6, crm_excess_pct=Decimal(4)),
    "cust_117": RecentDeal(handoff=Handoff.GAPS, won_days_ago=9),
    "cust_119": RecentDeal(handoff=Handoff.GAPS, won_days_ago=15),
}
SHORT_HISTORY_DEAL = RecentDeal(handoff=Handoff.WAITING, won_days_ago=12)
MISSING = HandoffItem.Code.DEAL_NARRATIVE  # of a package with gaps
UNVERIFIED = HandoffItem.Code.EXPANSION_POTENTIAL

# Name, segment, probability and days to the expected close. In the next 90 days, for two weeks
# on, just the first four; the capacity forecast counts their accounts in advance.
OPEN_DEALS = (
    ("Larchmont Holdings", ENT, "0.9", 62),
    ("Pell & Rowe", MID, "0.5", 48),
    ("Gullwing Prints", SMALL, "0.5", 33),
    ("Saffron Stack", SMALL, "0.5", 74),
    ("Tideline Logistics", MID, "0.4", 128),
    ("Arden Telehealth", ENT, "0.3", 160),
)
OPEN_AMOUNTS = {ENT: 110_000, MID: 4_800, SMALL: 1_800}  # US dollars a year
OPEN_STAGES = {"0.9": Deal.Stage.NEGOTIATION, "0.5": Deal.Stage.PROPOSAL}
LOST_NAMES = (
    "Bellweather Group", "Crosswind Studio", "Dunmore Freight", "Eastgate Clinics",
    "Fairlead Software", "Greenbank Retail", "Hollis & Hart", "Inkwell Agency", "Junction Data",
)  # fmt: skip

SHOWCASE_QUOTES = (  # US dollars a month; 12,500 open, 150,000 a year
    ("Second sending region", 6_500, False),
    ("Managed deliverability", 4_200, False),
    ("Training for resellers", 1_800, False),
    ("Dedicated IP pool", 2_400, True),
)
QUOTE_NAMES = ("Second sending region", "Managed deliverability", "Sandbox environment")
ADD_ONS = (  # of the price list, US dollars a month
    ("Dedicated IP", 50, WhiteSpaceItem.FitRule.MAIL_VOLUME_OVER_LIMIT),
    ("10,000 mails", 10, WhiteSpaceItem.FitRule.MAIL_VOLUME_OVER_LIMIT),
    ("Priority support", 99, WhiteSpaceItem.FitRule.SEATS_IN_FULL_USE),
)
PROOF_CODES = (
    EvidenceItem.Code.CUSTOMER_TESTIMONIAL,
    EvidenceItem.Code.EXECUTIVE_SPONSORSHIP,
    EvidenceItem.Code.REFERENCE_CUSTOMER,
    EvidenceItem.Code.EXPANSION_REQUESTED_BY_CUSTOMER,
)
OPPORTUNITY_STAGES = (
    (Opportunity.Stage.CS_QUALIFIED, "0.3"),
    (Opportunity.Stage.SQL, "0.5"),
    (Opportunity.Stage.NEGOTIATION, "0.7"),
    (Opportunity.Stage.WON, "1"),
    (Opportunity.Stage.LOST, "0"),
)

Pairs = Sequence[tuple[Account, Customer]]


def build(*, portfolio: Portfolio) -> str:
    """Write deals, handoffs, plans, evidence, open items and opportunities."""
    random = portfolio.rng("sales")
    pairs = [pair for pair in portfolio.active() if not pair[0].no_health]
    deals = Deal.objects.bulk_create(_deals(portfolio, pairs, random))
    packages = _write_handoffs(portfolio, pairs, deals, random)
    evidence = EvidenceItem.objects.bulk_create(_evidence(portfolio, pairs, random))
    opportunities = _write_opportunities(portfolio, pairs, evidence, random)
    items = WhiteSpaceItem.objects.bulk_create(_white_space(pairs, random))
    return (
        f"{len(deals)} deals, {len(packages)} handoffs, {len(evidence)} evidence rows, "
        f"{len(items)} open items, {len(opportunities)} opportunities"
    )


def _deals(portfolio: Portfolio, pairs: Pairs, random: Random) -> Iterator[Deal]:
    """Yield the won deals in the order of the pairs, then the open and the lost ones."""
    for account, customer in pairs:
        yield _won_deal(portfolio, account, customer, random)
    for number, (name, segment, probability, days) in enumerate(OPEN_DEALS, start=201):
        stage = OPEN_STAGES.get(probability, Deal.Stage.DISCOVERY)
        amount = OPEN_AMOUNTS[segment]
        yield Deal(
            public_id=f"deal_{number}",
            name=name,
            segment=segment,
            stage=stage,
            amount=amount,
            close_probability=Decimal(probability),
            expected_close_date=portfolio.as_of + timedelta(days=days),
            crm_stage=stage,
            crm_amount=amount,
        )
    for number, name in enumerate(LOST_NAMES, start=301):
        closed_at = portfolio.at - timedelta(days=random.randrange(20, 300))
        segment = random.choice((MID, SMALL, SMALL))
        yield Deal(
            public_id=f"deal_{number}",
            name=name,
            segment=segment,
            stage=Deal.Stage.CLOSED_LOST,
            amount=OPEN_AMOUNTS[segment],
            close_probability=0,
            expected_close_date=closed_at.date(),
            closed_at=closed_at,
            crm_stage=Deal.Stage.CLOSED_LOST,
            crm_amount=OPEN_AMOUNTS[segment],
        )


def _recent(account: Account) -> RecentDeal | None:
    return SHORT_HISTORY_DEAL if account.short_history else RECENT_DEALS.get(account.public_id)


def _won_deal(portfolio: Portfolio, account: Account, customer: Customer, random: Random) -> Deal:
    recent = _recent(account)
    days_before_start = random.randrange(3, 12)
    days_ago = YEAR_DAYS - account.renewal_in_days + days_before_start
    is_extension = recent is not None and not account.short_history
    if recent:
        days_ago = recent.won_days_ago
    closed_at = portfolio.at - timedelta(days=days_ago)
    excess_pct = recent.crm_excess_pct if recent else Decimal(0)
    return Deal(
        public_id=deal_id(account.public_id),
        customer=customer,
        name=f"{account.name}, {'extension' if is_extension else account.plan_code}",
        segment=account.segment,
        stage=Deal.Stage.CLOSED_WON,
        amount=account.annual_value,
        close_probability=1,
        expected_close_date=closed_at.date(),
        closed_at=closed_at,
        contract_id=contract_id(account.public_id),
        crm_stage=Deal.Stage.CLOSED_WON,
        crm_amount=account.annual_value * (1 + excess_pct / 100),
        crm_owner=CSM_CODES[account.segment],
    )


def _write_handoffs(
    portfolio: Portfolio, pairs: Pairs, deals: Sequence[Deal], random: Random
) -> list[HandoffPackage]:
    handed = zip(pairs, deals[: len(pairs)], strict=True)
    packages = HandoffPackage.objects.bulk_create(
        [_package(account, deal, random) for (account, _), deal in handed]
    )
    HandoffItem.objects.bulk_create(
        item
        for (account, _), package in zip(pairs, packages, strict=True)
        for item in _items(account, package)
    )
    plans = SuccessPlan.objects.bulk_create(
        [
            _success_plan(portfolio, account, customer, package)
            for (account, customer), package in zip(pairs, packages, strict=True)
        ]
    )
    BaselineKpi.objects.bulk_create(
        BaselineKpi(plan=plan, name=name, value=value, frozen_at=package.completed_at)
        for (account, _), package, plan in zip(pairs, packages, plans, strict=True)
        if package.completed_at
        for name, value in _targets(account, random)
    )
    return packages


def _package(account: Account, deal: Deal, random: Random) -> HandoffPackage:
    days, points = random.randrange(2, 9), [random.randrange(86, 101) for _ in range(2)]
    recent = _recent(account)
    if recent is not None:
        is_tried = recent.handoff is Handoff.GAPS
        status = HandoffPackage.Status.IN_TRANSITION if is_tried else HandoffPackage.Status.OPEN
        return HandoffPackage(deal=deal, status=status)
    return HandoffPackage(
        deal=deal,
        status=HandoffPackage.Status.COMPLETE,
        completed_at=deal.won_at + timedelta(days=days),
        completed_sync=HandoffPackage.Sync.CONFIRMED,
        accuracy=points[0],
        follow_up=points[1],
    )


def _items(account: Account, package: HandoffPackage) -> Iterator[HandoffItem]:
    recent = _recent(account)
    has_gaps = recent is not None and recent.handoff is Handoff.GAPS
    owner = CSM_CODES[account.segment]
    verified_at = package.deal.won_at + timedelta(hours=20)
    for code in HandoffItem.Code:
        if has_gaps and code == MISSING:
            continue
        is_verified = not (has_gaps and code == UNVERIFIED)
        yield HandoffItem(
            package=package,
            code=code,
            content=f"{code.label} of {account.name}, {account.industry}, {account.seats} seats.",
            verified_by=owner if is_verified else "",
            verified_at=verified_at if is_verified else None,
        )


def _success_plan(
    portfolio: Portfolio, account: Account, customer: Customer, package: HandoffPackage
) -> SuccessPlan:
    is_complete = package.status == HandoffPackage.Status.COMPLETE
    number = account.public_id.removeprefix(Customer.ID_PREFIX)
    approved_at = min(package.deal.won_at + timedelta(days=1), portfolio.at)
    return SuccessPlan(
        public_id=PLAN_IDS.get(account.public_id, f"{SuccessPlan.ID_PREFIX}{number}"),
        customer=customer,
        deal=package.deal if is_complete else None,
        name=f"Success plan of {account.name}",
        status=SuccessPlan.Status.ACTIVE if is_complete else SuccessPlan.Status.APPROVED,
        approved_at=approved_at,
    )


def _targets(account: Account, random: Random) -> tuple[tuple[str, Decimal], ...]:
    """Return a plan's baselines; the return of the showcase account stays below its target."""
    drawn = Decimal(random.randrange(4, 9)) / 2
    return (
        (BaselineKpi.Name.NPS_TARGET, Decimal("8.5")),
        (BaselineKpi.Name.ADOPTION_TARGET, Decimal(70)),
        (BaselineKpi.Name.HEALTH_TARGET, Decimal(80)),
        (BaselineKpi.Name.TIME_TO_VALUE_DAYS, Decimal(45)),
        (
            BaselineKpi.Name.ROI_TARGET,
            Decimal("4.5") if account.public_id == SHOWCASE else drawn,
        ),
    )


def _evidence(portfolio: Portfolio, pairs: Pairs, random: Random) -> Iterator[EvidenceItem]:
    """Yield one row of the showcase account, and two or three of each that is ready."""
    for account, customer in pairs:
        if account.public_id == SHOWCASE:
            yield _proof(portfolio, customer, EvidenceItem.Code.ROI_DEMONSTRATED, days_ago=18)
        if not account.expansion_ready:
            continue
        for code in random.sample(PROOF_CODES, k=random.randrange(1, 3)):
            yield _proof(portfolio, customer, code, days_ago=random.randrange(8, 120))
        yield _proof(
            portfolio,
            customer,
            EvidenceItem.Code.MILESTONE,
            days_ago=random.randrange(8, 90),
            milestone_code="advanced_adoption",
        )


def _proof(
    portfolio: Portfolio,
    customer: Customer,
    code: EvidenceItem.Code,
    *,
    days_ago: int,
    milestone_code: str = "",
) -> EvidenceItem:
    return EvidenceItem(
        customer=customer,
        code=code,
        milestone_code=milestone_code,
        achieved_date=portfolio.as_of - timedelta(days=days_ago),
        reference=f"https://files.example.com/evidence/{customer.public_id}/{code.value}",
        recorded_at=portfolio.at - timedelta(days=days_ago - 1),
    )


def _write_opportunities(
    portfolio: Portfolio, pairs: Pairs, evidence: Sequence[EvidenceItem], random: Random
) -> list[Opportunity]:
    """Write an opportunity with its evidence for each customer that has any."""
    accounts = {customer.pk: account for account, customer in pairs}
    by_customer: dict[int, list[EvidenceItem]] = {}
    for row in evidence:
        by_customer.setdefault(row.customer_id, []).append(row)
    opportunities = []
    for number, customer_id in enumerate(by_customer):
        account = accounts[customer_id]
        stage, probability = OPPORTUNITY_STAGES[number % len(OPPORTUNITY_STAGES)]
        value = account.annual_value * random.randrange(3, 9) / 10
        if account.public_id == SHOWCASE:
            stage, probability = OPPORTUNITY_STAGES[0]
            value = Decimal(150_000)
        opportunities.append(
            Opportunity(
                public_id=f"{Opportunity.ID_PREFIX}_{101 + number}",
                customer_id=customer_id,
                stage=stage,
                annual_value=value,
                close_probability=Decimal(probability),
                crm_amount=value,
                opened_at=portfolio.at - timedelta(days=random.randrange(1, 8)),
            )
        )
    saved = Opportunity.objects.bulk_create(opportunities)
    Opportunity.evidence.through.objects.bulk_create(
        Opportunity.evidence.through(opportunity_id=opportunity.pk, evidenceitem_id=row.pk)
        for opportunity in saved
        for row in by_customer[opportunity.customer_id]
    )
    return saved


def _white_space(pairs: Pairs, random: Random) -> Iterator[WhiteSpaceItem]:
    """Yield the quotes of enterprise accounts and the list's add-ons of all others."""
    for account, customer in pairs:
        for name, monthly_value, is_owned in _quotes(account, random):
            yield WhiteSpaceItem(
                customer=customer,
                name=name,
                kind=WhiteSpaceItem.Kind.QUOTED,
                monthly_value=monthly_value,
                is_owned=is_owned,
            )
        if account.segment == ENT:
            continue
        for name, monthly_value, fit_rule in ADD_ONS:
            yield WhiteSpaceItem(
                customer=customer,
                name=name,
                kind=WhiteSpaceItem.Kind.ADD_ON,
                monthly_value=monthly_value,
                fit_rule=fit_rule,
                is_owned=random.random() < 0.25,
            )


def _quotes(account: Account, random: Random) -> Sequence[tuple[str, int, bool]]:
    """Return what was quoted to an enterprise account: open, 40,000 to 200,000 a year."""
    if account.segment != ENT:
        return ()
    if account.public_id == SHOWCASE:
        return SHOWCASE_QUOTES
    return [(name, 100 * random.randrange(12, 55), False) for name in QUOTE_NAMES]
