"""Make an OAuth2 client and print its credentials once."""

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from oauth2_provider.generators import generate_client_secret

from cs_integrations.clients.models import Application


class Command(BaseCommand):
    help = "Create an API client; prints one JSON object with its id and secret."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument(
            "--scopes", default="", help='separated by spaces: "cs-marketing.read cs-sales.read"'
        )

    def handle(self, *args: Any, **options: Any) -> str:
        if not options["name"].strip():
            raise CommandError("A client needs a name: audit records show it.")
        secret = generate_client_secret()
        client = Application(
            name=options["name"],
            client_secret=secret,
            client_type=Application.CLIENT_CONFIDENTIAL,
            authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
            scopes=options["scopes"].split(),
        )
        try:
            client.full_clean()
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        client.save()
        return json.dumps(
            {"client_id": client.client_id, "client_secret": secret, "scopes": client.scopes}
        )
