"""What gunicorn serves. It runs no system checks, so the one that matters is made here."""

import os

import django
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cs_integrations.settings")
django.setup(set_prefix=False)

from cs_integrations.api.requests import HubHandler  # noqa: E402 - needs settings
from cs_integrations.checks import several_workers_share_limits  # noqa: E402 - needs settings

application = HubHandler()

if problems := several_workers_share_limits():
    raise ImproperlyConfigured(f"{problems[0].msg} {problems[0].hint}")
