"""What gunicorn serves. It runs no system checks, so the one that matters is made here."""

import os

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cs_integrations.settings")

application = get_wsgi_application()

from cs_integrations.checks import several_workers_share_limits  # noqa: E402 - needs settings

if problems := several_workers_share_limits():
    raise ImproperlyConfigured(f"{problems[0].msg} {problems[0].hint}")
