from django.apps import AppConfig

from cs_integrations import exchange


class ProductConfig(AppConfig):
    name = "product"

    def ready(self) -> None:
        from product import demo, queries  # noqa: PLC0415 - models are loaded by now

        exchange.weak_core_features.provide(queries.weak_core_features)
        exchange.contracted_uses.provide(queries.contracted_uses)
        exchange.customers_of["product"].provide(queries.customers_of)
        exchange.demo["product"].provide(demo.build)
