from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from cs_integrations import exchange


class OperationsConfig(AppConfig):
    name = "operations"

    def ready(self) -> None:
        from operations import actions, demo, queries  # noqa: PLC0415 - models are loaded by now

        exchange.highest_open_escalations.provide(queries.highest_open_escalations)
        exchange.active_csms.provide(queries.active_csms)
        exchange.start_workflow.provide(actions.start_workflow)
        exchange.customers_of["operations"].provide(queries.customers_of)
        exchange.demo["operations"].provide(demo.build)
        post_migrate.connect(_load_catalogue, sender=self)


def _load_catalogue(**_kwargs: Any) -> None:
    """Give every installation the standard playbooks, which other domains start by code."""
    from operations.catalogue import load_catalogue  # noqa: PLC0415 - needs models

    load_catalogue()
