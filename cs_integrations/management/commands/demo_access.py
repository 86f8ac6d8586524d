"""Give a newcomer a way in: an API client and an admin user, their secrets printed once."""

import json
import secrets
from io import StringIO
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from cs_integrations.clients.models import Application, User
from cs_integrations.clients.scopes import SCOPES

CLIENT_NAME = "Demo"
ADMIN_NAME = "admin"

_TRY = """
Try it, in another terminal:

  TOKEN=$(curl -s {url}/auth/token -d grant_type=client_credentials \\
    -d client_id={client_id} -d client_secret={client_secret} \\
    | python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')

  curl -s {url}{base}/finance/realization/ctr_123 -H "Authorization: Bearer $TOKEN"

"""
_AGAIN = """
The demo client and the admin user exist already; their secrets were shown once. For another client:

  .venv/bin/python manage.py create_client "My client" --scopes "{scopes}"

"""
_WHERE = """\
API documentation  {url}/docs/
Admin              {url}/admin/
Stop with Ctrl-C.
"""


class Command(BaseCommand):
    help = "Create the demo's API client and admin user if there are none, and say what to try."

    def handle(self, *args: Any, **options: Any) -> str:
        url, base = settings.PUBLIC_URL, settings.API_BASE
        if not User.objects.filter(username=ADMIN_NAME).exists():
            password = secrets.token_urlsafe(12)
            User.objects.create_superuser(ADMIN_NAME, password=password)
            self.stdout.write(f"Admin user: {ADMIN_NAME}, password: {password}")
        if Application.objects.filter(name=CLIENT_NAME).exists():
            text = _AGAIN.format(scopes="cs-finance.read cs-marketing.write")
        else:
            answer = StringIO()
            call_command("create_client", CLIENT_NAME, scopes=" ".join(SCOPES), stdout=answer)
            client = json.loads(answer.getvalue())
            text = _TRY.format(
                url=url,
                base=base,
                client_id=client["client_id"],
                client_secret=client["client_secret"],
            )
        return text + _WHERE.format(url=url)
