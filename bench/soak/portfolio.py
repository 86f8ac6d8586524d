"""What the calls act on: the demo's objects, clients with raised limits, and fresh handoffs."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.conf import settings
from django.utils import timezone

from cs_integrations.clients.scopes import SCOPES
from cs_integrations.customers.models import Customer, Stakeholder
from finance.models import Contract
from finance.queries import current_contracts
from marketing.models import Campaign
from operations.models import StepKind, WorkflowDefinition, WorkflowExecution, WorkflowStep
from product.models import Feature, ProductTicket
from sales.models import Deal, HandoffItem, HandoffPackage, SuccessPlan
from tests.clients import issue_token

UNREACHED_LIMIT = 100_000_000  # requests a minute
TOKEN_LIFE = timedelta(days=1)
NARROW_SCOPE = "cs-marketing.read"
REFERENCE = "reference"  # the parameter by which an execution names the call that began it
ROWS_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    client_id: str
    secret: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """A won deal whose handoff lacks nothing but its completion."""

    deal_id: str
    plan_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """Public ids of what is there, and who calls."""

    run: str  # starts every key and every attempt's id of this run
    client: Credentials  # every scope
    narrow: Credentials  # one scope
    customers: Sequence[str]  # active, with a contract in force
    churned: Sequence[str]
    contracts: Sequence[str]
    campaigns: Sequence[str]
    features: Sequence[str]
    tickets: Sequence[str]
    executions: Sequence[str]
    open_deals: Sequence[str]
    handoffs: Sequence[Handoff]
    workflow: str  # ends at once, so that each request begins an execution of its own


def prepare(*, handoffs: int) -> Portfolio:
    """Add to the demo what it has too little of, and return the whole.

    ``handoffs`` is the number of deals that can be handed over; each can be only once.
    """
    run = f"soak-{secrets.token_hex(4)}"
    customers = _customers()
    return Portfolio(
        run=run,
        client=_credentials(f"{run} every scope", list(SCOPES)),
        narrow=_credentials(f"{run} one scope", [NARROW_SCOPE]),
        customers=[customer.public_id for customer in customers],
        churned=_ids(Customer, status=Customer.Status.CHURNED),
        contracts=_ids(Contract),
        campaigns=_ids(Campaign),
        features=_ids(Feature),
        tickets=[ticket.public_id for ticket in ProductTicket.objects.order_by("pk")],
        executions=_ids(WorkflowExecution),
        open_deals=_ids(Deal, stage=Deal.Stage.NEGOTIATION),
        handoffs=_handoffs(run, customers, handoffs),
        workflow=_workflow(run),
    )


def _ids(model: type, **conditions: object) -> list[str]:
    rows = model.objects.filter(**conditions).order_by("pk")  # type: ignore[attr-defined]
    return list(rows.values_list("public_id", flat=True))


def _customers() -> list[Customer]:
    """Return the customers for whom every kind of write is possible."""
    present = Stakeholder.objects.filter(left_date__isnull=True)
    found = Customer.objects.filter(
        status=Customer.Status.ACTIVE,
        pk__in=present.filter(is_sponsor=True).values("customer"),
    ).filter(pk__in=present.filter(is_decision_maker=True).values("customer"))
    contracts = current_contracts(
        customer_ids=[customer.pk for customer in found], as_of=timezone.now().date()
    )
    return [customer for customer in found.order_by("pk") if customer.pk in contracts]


def _credentials(name: str, scopes: list[str]) -> Credentials:
    secret = secrets.token_urlsafe(24)
    issued = issue_token(
        scopes,
        expires_in=TOKEN_LIFE,
        name=name,
        client_secret=secret,
        rate_limits=dict.fromkeys(settings.RATE_LIMITS, UNREACHED_LIMIT),
    )
    return Credentials(client_id=issued.application.client_id, secret=secret, token=issued.raw)


def _workflow(run: str) -> str:
    """Store a playbook of one automated step, which takes the caller's reference."""
    workflow = WorkflowDefinition.objects.create(
        code=run,
        name="Soak",
        category=WorkflowDefinition.Category.ONBOARDING,
        default_tier=1,
        param_schema={REFERENCE: {"type": "string", "required": True}},
    )
    WorkflowStep.objects.create(
        workflow=workflow,
        position=1,
        kind=StepKind.AUTO,
        action="record_health",
        name="Record health",
    )
    return workflow.public_id


def _handoffs(run: str, customers: Sequence[Customer], count: int) -> list[Handoff]:
    now = timezone.now()
    suffix = run.replace("-", "")
    owners = [customers[number % len(customers)] for number in range(count)]
    deals = [
        Deal(
            public_id=f"deal_{suffix}n{number}",
            customer=owner,
            name=f"{owner.name}, addition {number}",
            segment=owner.segment,
            stage=Deal.Stage.CLOSED_WON,
            amount=Decimal(1_000),
            close_probability=Decimal(1),
            expected_close_date=now.date(),
            closed_at=now - timedelta(days=1),
        )
        for number, owner in enumerate(owners)
    ]
    plans = [
        SuccessPlan(
            public_id=f"sp_{suffix}n{number}",
            customer=owner,
            name=f"Plan {number}",
            status=SuccessPlan.Status.APPROVED,
            approved_at=now,
        )
        for number, owner in enumerate(owners)
    ]
    Deal.objects.bulk_create(deals, batch_size=ROWS_AT_ONCE)
    SuccessPlan.objects.bulk_create(plans, batch_size=ROWS_AT_ONCE)
    packages = [HandoffPackage(deal=deal) for deal in deals]
    HandoffPackage.objects.bulk_create(packages, batch_size=ROWS_AT_ONCE)
    items = (
        HandoffItem(
            package=package, code=code, content="Known.", verified_by="csm_mid", verified_at=now
        )
        for package in packages
        for code in HandoffItem.Code
    )
    HandoffItem.objects.bulk_create(items, batch_size=ROWS_AT_ONCE)
    return [
        Handoff(deal_id=deal.public_id, plan_id=plan.public_id)
        for deal, plan in zip(deals, plans, strict=True)
    ]
