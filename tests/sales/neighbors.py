"""What finance and operations know of a customer, as rows of their own tables."""

from datetime import date, timedelta
from decimal import Decimal

from cs_integrations.customers.models import Customer
from finance.models import Commitment, Contract, Delivery, Payment
from operations.models import Csm, Escalation, WorkflowDefinition, WorkflowExecution
from tests.factories import NOON, TODAY


def contract_of(
    customer: Customer,
    *,
    annual_value: int = 120_000,
    renewal_in_days: int = 110,
    committed: int = 312_000,
    delivered: int = 312_000,
    fees_paid: int = 96_000,
) -> Contract:
    """Make the contract in force, with one outcome that fell due last month."""
    contract = Contract.objects.create(
        customer=customer,
        start_date=TODAY - timedelta(days=200),
        end_date=TODAY + timedelta(days=renewal_in_days),
        annual_value=Decimal(annual_value),
    )
    commitment = Commitment.objects.create(
        contract=contract,
        outcome="Replies booked as meetings",
        accrual=Commitment.Accrual.MILESTONE,
        committed_value=committed,
        start_date=contract.start_date,
        due_date=TODAY - timedelta(days=30),
        recorded_at=NOON - timedelta(days=200),
    )
    Delivery.objects.create(
        commitment=commitment,
        delivered_date=TODAY - timedelta(days=40),
        value=delivered,
        recorded_at=NOON - timedelta(days=39),
    )
    if fees_paid:
        pay(customer, fees_paid, due=TODAY - timedelta(days=120))
    return contract


def pay(customer: Customer, amount: int, *, due: date, paid: date | None = None) -> Payment:
    """Make a payment, in time unless said otherwise."""
    return Payment.objects.create(
        customer=customer, amount=amount, due_date=due, paid_date=paid or due
    )


def csm(code: str = "csm_mid") -> Csm:
    """Employ a CSM."""
    return Csm.objects.create(
        code=code, name=code, seniority=Csm.Seniority.SENIOR, active_from=date(2020, 1, 1)
    )


def escalation(customer: Customer, tier: int) -> Escalation:
    """Open an escalation of this tier."""
    workflow = WorkflowDefinition.objects.create(
        code="wf_rescue", name="Rescue", category="retention", default_tier=tier
    )
    execution = WorkflowExecution.objects.create(
        workflow=workflow,
        workflow_version=1,
        customer=customer,
        status=WorkflowExecution.Status.IN_PROGRESS,
        tier=tier,
        requested_tier=tier,
        priority="high",
        requested_at=NOON,
        started_at=NOON,
        tier_started_at=NOON,
        sla_target=timedelta(hours=4),
        due_at=NOON + timedelta(hours=4),
    )
    return Escalation.objects.create(
        execution=execution,
        customer=customer,
        tier=tier,
        priority="high",
        cause=Escalation.Cause.REQUESTED,
        opened_at=NOON,
        due_at=NOON + timedelta(hours=4),
    )
