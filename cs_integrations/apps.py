from django.apps import AppConfig


class HubConfig(AppConfig):
    name = "cs_integrations"
    verbose_name = "CS Integrations"

    def ready(self) -> None:
        from cs_integrations import checks  # noqa: F401, PLC0415 - registers the checks
