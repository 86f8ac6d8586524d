"""Rules that hold for every model, whoever wrote it."""

import pytest
from django.apps import apps
from django.db import IntegrityError, models, transaction

from cs_integrations.customers.models import Customer
from tests.factories import CustomerFactory

APPS = ("customers", "marketing", "sales", "product", "finance", "operations")
CODE_COLUMNS = [
    pytest.param(model, field, id=f"{model._meta.label_lower}.{field.name}")
    for app in APPS
    for model in apps.get_app_config(app).get_models()
    for field in model._meta.fields
    if isinstance(field, models.CharField) and field.choices
]


def known_codes(model: type[models.Model], name: str) -> set[str] | None:
    """Return the words that the database lets into a column; None: any word."""
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.CheckConstraint):
            match getattr(constraint.condition, "children", None):
                case [(lookup, values)] if lookup == f"{name}__in":
                    return set(values)
    return None


@pytest.mark.parametrize(("model", "field"), CODE_COLUMNS)
def test_the_database_knows_every_code(model: type[models.Model], field: models.CharField):
    expected = {code for code, _ in field.choices} | ({""} if field.blank else set())

    assert known_codes(model, field.name) == expected


@pytest.mark.django_db
def test_a_word_that_no_code_knows_cannot_be_stored():
    key = CustomerFactory().pk

    with (
        pytest.raises(IntegrityError, match="customers_customer_segment_known"),
        transaction.atomic(),
    ):
        Customer.objects.filter(pk=key).update(segment="galactic")
