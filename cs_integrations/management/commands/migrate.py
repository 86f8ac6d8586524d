"""Django's own ``migrate``, run as the owner of the database."""

from typing import Any

from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import connections

from cs_integrations.database import roles


class Command(DjangoMigrate):
    """Migrate as the owner: the role that serves requests owns nothing."""

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        login = str(connection.settings_dict["USER"])
        with roles.as_owner(connection):
            roles.ensure_roles(connection, login=login)
            super().handle(*args, **options)
