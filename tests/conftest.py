"""Real database, real WSGI stack, real tokens; nothing of ours is mocked."""

from collections.abc import Callable, Iterator
from typing import Any

import django.test.client
import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection

from audit import data_keys
from cs_integrations.api.requests import HubRequest
from cs_integrations.clients.scopes import SCOPES
from cs_integrations.database import roles
from tests.clients import HubClient, issue_token


@pytest.fixture(scope="session", autouse=True)
def _requests_as_gunicorn_makes_them() -> None:
    """Django's test client and live server make plain requests of their own choice."""
    django.test.client.WSGIRequest = HubRequest
    WSGIHandler.request_class = HubRequest


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """Make and migrate the test database as the owner."""
    roles.use_owner(connection)


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest,
    django_db_modify_db_settings: None,
    django_test_environment: None,
    django_db_blocker: Any,
    django_db_use_migrations: bool,
    django_db_keepdb: bool,
    django_db_createdb: bool,
) -> Iterator[None]:
    """Serve every test as the application's role, as production does."""
    from django.test.utils import setup_databases, teardown_databases  # noqa: PLC0415

    keepdb = django_db_keepdb and not django_db_createdb
    with django_db_blocker.unblock():
        made = setup_databases(
            verbosity=request.config.option.verbose,
            interactive=False,
            keepdb=keepdb,
            serialized_aliases=[],
        )
        _let_flushes_truncate()
        owner = roles.use_application(connection)
    yield
    with django_db_blocker.unblock():
        roles.use_settings(connection, owner)
        if not keepdb:
            teardown_databases(made, verbosity=request.config.option.verbose)


def _let_flushes_truncate() -> None:
    """Transactional tests empty the domain tables; the trail stays closed to them too."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables"
            " WHERE schemaname = 'public'"
            " AND (tablename NOT LIKE 'audit\\_%' OR tablename LIKE 'audit\\_replay\\_%')"
        )
        tables = cursor.fetchone()[0]
        cursor.execute(f"GRANT TRUNCATE ON {tables} TO {roles.APPLICATION_ROLE}")


CHECKED = "tests.contract.Checked"


@pytest.fixture(scope="session")
def _checked_answers() -> None:
    settings.MIDDLEWARE = [CHECKED, *settings.MIDDLEWARE]


@pytest.fixture(scope="session")
def live_server(_checked_answers: None, live_server: Any) -> Any:
    """A server whose answers are held against the document; it has loaded its middleware."""
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != CHECKED]
    return live_server


@pytest.fixture(autouse=True)
def _fresh_counters() -> None:
    """Rate limits of one test are not another's."""
    cache.clear()


@pytest.fixture(autouse=True)
def _fresh_data_keys() -> None:
    """A data key that a rolled-back test made does not exist for the next one."""
    data_keys.forget()


@pytest.fixture
def client_with(db: None) -> Callable[..., HubClient]:
    """Return a maker of API clients: ``client_with("cs-sales.read")``."""

    def make(*scopes: str, **application: Any) -> HubClient:
        return HubClient(token=issue_token(scopes, **application).raw)

    return make


@pytest.fixture
def client() -> HubClient:
    """A caller without a token; its answers are held against the document too."""
    return HubClient()


@pytest.fixture
def api(client_with: Callable[..., HubClient]) -> HubClient:
    """A client with every scope and limits that no test reaches."""
    generous = dict.fromkeys(
        ("marketing", "sales", "product", "finance", "operations", "audit"), 100_000
    )
    return client_with(*SCOPES, rate_limits=generous)
