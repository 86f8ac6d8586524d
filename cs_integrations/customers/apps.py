from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CustomersConfig(AppConfig):
    name = "cs_integrations.customers"
    label = "customers"
    verbose_name = "Customers"

    def ready(self) -> None:
        post_migrate.connect(_load_catalogue, sender=self)


def _load_catalogue(**_kwargs: Any) -> None:
    """Give every installation its price list and milestones; rows of a migration would not last."""
    from cs_integrations.customers.catalogue import load_catalogue  # noqa: PLC0415 - needs models

    load_catalogue()
