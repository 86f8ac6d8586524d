"""Whether the CRM's copy of a deal agrees with the contract. Pure.

Source: spec, Handoff Completion API (``pipeline_sync``); the states are ours.
docs/rules/sales.md, heading sales.handoff.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from sales.rules.parameters import PARAMETERS, SalesParameters


class PipelineSync(StrEnum):
    """State of the CRM's copy of the deal against the contract."""

    CONFIRMED = "confirmed"
    PENDING = "pending"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class CrmCopy:
    """What the CRM says of the deal."""

    is_won: bool
    amount: Decimal | None  # US dollars a year; None: the CRM gave none
    is_owner_csm: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractAmount:
    """The customer's current contract."""

    contract_id: str
    annual_value: Decimal  # US dollars


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineReading:
    """The state of the sync; ``reasons`` says why it is not confirmed."""

    state: PipelineSync
    difference_pct: Decimal | None  # of the contract's amount, unsigned; None: not comparable
    reasons: tuple[str, ...]


def pipeline_sync(
    *,
    crm: CrmCopy,
    deal_contract_id: str,
    current_contract: ContractAmount | None,
    parameters: SalesParameters = PARAMETERS,
) -> PipelineReading:
    """Return whether CRM and contract agree on the deal.

    Pending until the deal has a contract in force; confirmed when the CRM has the deal
    closed-won, owned by a CSM and within the tolerance of that contract's amount; else a
    conflict. ``deal_contract_id`` is empty while no contract was drawn up.
    """
    if not deal_contract_id or current_contract is None:
        return PipelineReading(
            state=PipelineSync.PENDING,
            difference_pct=None,
            reasons=("The deal has no contract in force yet.",),
        )
    tolerance = parameters.sync_tolerance_pct
    is_same = deal_contract_id == current_contract.contract_id
    difference = _difference_pct(crm.amount, current_contract.annual_value) if is_same else None
    is_close = difference is not None and difference <= tolerance
    checks = (
        (is_same, "The deal's contract is not the customer's current one."),
        (crm.is_won, "The CRM does not have the deal as closed-won."),
        (crm.is_owner_csm, "The CRM's owner of the deal is not an active CSM."),
        (
            is_close or not is_same,
            f"The CRM's amount is not within {tolerance}% of the contract's.",
        ),
    )
    reasons = tuple(sentence for holds, sentence in checks if not holds)
    state = PipelineSync.CONFLICT if reasons else PipelineSync.CONFIRMED
    return PipelineReading(state=state, difference_pct=difference, reasons=reasons)


def _difference_pct(crm_amount: Decimal | None, contract_amount: Decimal) -> Decimal | None:
    if crm_amount is None:
        return None
    difference = abs(crm_amount - contract_amount)
    if contract_amount == 0:
        return None if difference else Decimal(0)
    return difference / contract_amount * 100
