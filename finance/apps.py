from django.apps import AppConfig

from cs_integrations import exchange


class FinanceConfig(AppConfig):
    name = "finance"

    def ready(self) -> None:
        from finance import demo, queries  # noqa: PLC0415 - models are loaded by now

        exchange.contract_standings.provide(queries.contract_standings)
        exchange.customers_of["finance"].provide(queries.customers_of)
        exchange.demo["finance"].provide(demo.build)
