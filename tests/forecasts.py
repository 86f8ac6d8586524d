"""A POST whose effect is easy to count: a renewal forecast for a customer with a contract."""

from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from cs_integrations.customers.models import Customer
from finance.models import Contract
from tests.factories import CustomerFactory

FORECAST = {
    "renewal_probability": 0.94,
    "confidence_interval": [0.88, 0.97],
    "scenarios": {"expansion": "$75k"},
}


def customer_with_contract() -> Customer:
    customer = CustomerFactory()
    today = timezone.now().date()
    Contract.objects.create(
        customer=customer,
        start_date=today - timedelta(days=200),
        end_date=today + timedelta(days=165),
        annual_value=Decimal(120_000),
    )
    return customer
