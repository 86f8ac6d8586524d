from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = "Audit trail"

    def ready(self) -> None:
        from audit.months import after_migrate  # noqa: PLC0415 - connections are set up by now

        post_migrate.connect(after_migrate, sender=self)
