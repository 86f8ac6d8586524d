from django.apps import AppConfig

from cs_integrations import exchange


class MarketingConfig(AppConfig):
    name = "marketing"

    def ready(self) -> None:
        from marketing import demo  # noqa: PLC0415 - models are loaded by now

        exchange.demo["marketing"].provide(demo.build)
