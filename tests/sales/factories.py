"""Deals, handoffs and what speaks for an expansion. Each factory is valid with no arguments."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import factory
from factory.django import DjangoModelFactory

from cs_integrations.customers.models import Segment
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
from tests.factories import NOON, TODAY, CustomerFactory

CLOSED = datetime(2026, 6, 11, 9, tzinfo=UTC)


class DealFactory(DjangoModelFactory[Deal]):
    """A deal won four days ago; the CRM's copy says the same as the deal."""

    class Meta:
        model = Deal

    class Params:
        open = factory.Trait(
            customer=None,
            stage=Deal.Stage.NEGOTIATION,
            closed_at=None,
            close_probability=Decimal("0.5"),
            expected_close_date=TODAY + timedelta(days=30),
        )

    public_id = factory.Sequence(lambda number: f"deal_{9000 + number}")
    customer = factory.SubFactory(CustomerFactory)
    name = factory.Sequence(lambda number: f"Harbor {number}, business")
    segment = Segment.MID_MARKET
    stage = Deal.Stage.CLOSED_WON
    amount = Decimal(120_000)
    close_probability = Decimal(1)
    expected_close_date = date(2026, 6, 11)
    closed_at = CLOSED
    crm_stage = factory.SelfAttribute("stage")
    crm_amount = factory.SelfAttribute("amount")
    crm_owner = "csm_mid"


class HandoffPackageFactory(DjangoModelFactory[HandoffPackage]):
    class Meta:
        model = HandoffPackage

    class Params:
        complete = factory.Trait(
            status=HandoffPackage.Status.COMPLETE,
            completed_at=CLOSED + timedelta(days=2),
            completed_sync=HandoffPackage.Sync.CONFIRMED,
        )

    deal = factory.SubFactory(DealFactory)


class HandoffItemFactory(DjangoModelFactory[HandoffItem]):
    class Meta:
        model = HandoffItem

    package = factory.SubFactory(HandoffPackageFactory)
    code = HandoffItem.Code.CUSTOMER_CONTEXT
    content = "Forty seats, two brands, migrating from another sender."
    verified_by = "csm_mid"
    verified_at = CLOSED + timedelta(days=1)


class SuccessPlanFactory(DjangoModelFactory[SuccessPlan]):
    class Meta:
        model = SuccessPlan

    public_id = factory.Sequence(lambda number: f"sp_{9000 + number}")
    customer = factory.SubFactory(CustomerFactory)
    name = "Inbox placement above 95%"
    status = SuccessPlan.Status.APPROVED
    approved_at = CLOSED + timedelta(days=1)


class BaselineKpiFactory(DjangoModelFactory[BaselineKpi]):
    class Meta:
        model = BaselineKpi

    plan = factory.SubFactory(SuccessPlanFactory, status=SuccessPlan.Status.ACTIVE)
    name = BaselineKpi.Name.ROI_TARGET
    value = Decimal("4.5")
    frozen_at = CLOSED + timedelta(days=2)


class EvidenceItemFactory(DjangoModelFactory[EvidenceItem]):
    class Meta:
        model = EvidenceItem

    customer = factory.SubFactory(CustomerFactory)
    code = EvidenceItem.Code.ROI_DEMONSTRATED
    achieved_date = TODAY - timedelta(days=20)
    reference = "https://files.example.com/evidence/1"
    recorded_at = NOON - timedelta(days=19)


class WhiteSpaceItemFactory(DjangoModelFactory[WhiteSpaceItem]):
    class Meta:
        model = WhiteSpaceItem

    customer = factory.SubFactory(CustomerFactory)
    name = factory.Sequence(lambda number: f"Sending region {number}")
    kind = WhiteSpaceItem.Kind.QUOTED
    monthly_value = Decimal(12_500)


class OpportunityFactory(DjangoModelFactory[Opportunity]):
    class Meta:
        model = Opportunity

    public_id = factory.Sequence(lambda number: f"opp_{9000 + number}")
    customer = factory.SubFactory(CustomerFactory)
    annual_value = Decimal(150_000)
    close_probability = Decimal("0.3")
    opened_at = NOON - timedelta(days=5)


def full_package(deal: Deal) -> HandoffPackage:
    """Return the package of a deal with its eight parts, all verified."""
    package = HandoffPackageFactory(deal=deal)
    for code in HandoffItem.Code:
        HandoffItemFactory(package=package, code=code)
    return package
