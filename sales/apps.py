from django.apps import AppConfig

from cs_integrations import exchange


class SalesConfig(AppConfig):
    name = "sales"

    def ready(self) -> None:
        from sales import demo, queries  # noqa: PLC0415 - models are loaded by now

        exchange.expansion_readiness.provide(queries.expansion_readiness)
        exchange.expected_deals.provide(queries.expected_deals)
        exchange.customers_of["sales"].provide(queries.customers_of)
        exchange.demo["sales"].provide(demo.build)
