"""The proof of value that sales can show a customer, newest first. Pure.

Source: spec, Expansion Opportunity API; codes partly from INT/api-integration.md and
INT/data-sync.md. docs/rules/sales.md, heading sales.expansion.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from cs_integrations.api.formats import demonstrated_multiple
from sales.rules.parameters import PARAMETERS, SalesParameters


class EvidenceCode(StrEnum):
    """What an evidence row attests."""

    ROI_DEMONSTRATED = "roi_demonstrated"  # dates the measured multiple, proves none by itself
    MILESTONE = "milestone"
    EXECUTIVE_SPONSORSHIP = "executive_sponsorship"
    CUSTOMER_TESTIMONIAL = "customer_testimonial"
    REFERENCE_CUSTOMER = "reference_customer"
    EXPANSION_REQUESTED_BY_CUSTOMER = "expansion_requested_by_customer"


ACHIEVED_ROI_TARGET = "achieved_roi_target"
HEALTH_SUSTAINED_90D = "health_sustained_90d"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One evidence row."""

    code: EvidenceCode
    achieved_date: date
    milestone_code: str = ""  # of a milestone only


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthHistory:
    """The computed scores of the trailing window, and since when there are any."""

    lowest: Decimal  # inside the window, 0 to 100
    measurements: int  # inside the window
    first_measured_date: date  # of all


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioFacts:
    """What is known of one customer's proof of value; None means not known."""

    is_churned: bool
    realized_value: Decimal | None  # deliveries of the customer's contracts, US dollars
    fees_paid: Decimal | None  # US dollars
    roi_target: Decimal | None  # multiple of fees, the plan's
    health: HealthHistory | None
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioItem:
    """One code of the answer and the date of its evidence."""

    code: str
    evidence_date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """The proof of value, newest evidence first; ``roi_multiple`` is None when not known."""

    items: tuple[PortfolioItem, ...]
    roi_multiple: Decimal | None
    reasons: tuple[str, ...]


def roi_multiple(*, realized_value: Decimal | None, fees_paid: Decimal | None) -> Decimal | None:
    """Return the realized value as a multiple of the fees paid; None while there are none.

    The customer's own return, not the return of the Customer Success program that finance
    projects.
    """
    if realized_value is None or not fees_paid:
        return None
    return realized_value / fees_paid


def value_portfolio(
    *, facts: PortfolioFacts, as_of: date, parameters: SalesParameters = PARAMETERS
) -> Portfolio:
    """Return the codes with evidence behind them, newest first, each once.

    Measured codes (return, ROI target, sustained health) hold on the day of the question and
    carry its date, a shown return the date it was shown. All others come from evidence rows;
    rows of a later day do not count yet. Codes of one day keep the order measured, attested.
    """
    if facts.is_churned:
        reasons = ("The customer has churned.",)
        return Portfolio(items=(), roi_multiple=None, reasons=reasons)
    multiple = roi_multiple(realized_value=facts.realized_value, fees_paid=facts.fees_paid)
    newest: dict[str, date] = {}
    for row in facts.evidence:
        if row.achieved_date <= as_of:
            code = _attested_code(row)
            newest[code] = max(newest.get(code, row.achieved_date), row.achieved_date)
    shown_date = newest.pop(EvidenceCode.ROI_DEMONSTRATED, as_of)
    dated: dict[str, date] = {}
    if multiple is not None and multiple >= parameters.roi_demonstrated_from:
        dated[f"{demonstrated_multiple(multiple)}_roi_demonstrated"] = shown_date
    if is_roi_target_reached(multiple=multiple, target=facts.roi_target, parameters=parameters):
        dated[ACHIEVED_ROI_TARGET] = as_of
    if is_health_sustained(health=facts.health, as_of=as_of, parameters=parameters):
        dated[HEALTH_SUSTAINED_90D] = as_of
    dated |= dict(sorted(newest.items()))
    items = (PortfolioItem(code=code, evidence_date=day) for code, day in dated.items())
    return Portfolio(
        items=tuple(sorted(items, key=lambda item: item.evidence_date, reverse=True)),
        roi_multiple=multiple,
        reasons=() if multiple is not None else ("No fees or no deliveries: no return is known.",),
    )


def is_roi_target_reached(
    *, multiple: Decimal | None, target: Decimal | None, parameters: SalesParameters = PARAMETERS
) -> bool:
    """Say whether the return reached the plan's target; a target of 0 proves nothing."""
    if multiple is None or not target:
        return False
    return multiple >= target * parameters.roi_target_reached_pct / 100


def is_health_sustained(
    *, health: HealthHistory | None, as_of: date, parameters: SalesParameters = PARAMETERS
) -> bool:
    """Say whether health stayed green over the whole window, measured often enough to know."""
    if health is None or health.measurements < parameters.sustained_min_measurements:
        return False
    age = as_of - health.first_measured_date
    is_old_enough = age.days >= parameters.sustained_health_days
    return is_old_enough and health.lowest >= parameters.sustained_health_from


def _attested_code(row: Evidence) -> str:
    if row.code is EvidenceCode.MILESTONE:
        return f"{row.code}_{row.milestone_code}"
    return row.code.value
