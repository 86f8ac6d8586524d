"""The trail as its owner works on it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from audit import months
from cs_integrations.database import roles


@pytest.fixture
def owner(transactional_db: None) -> Iterator[None]:
    """Work as the owner on empty default partitions; what the test does to the trail is undone."""
    with roles.as_owner(connection):
        for table in months.TABLES:
            waiting = months.waiting(table)
            if waiting:  # another test's records
                months.empty_default(table, months=waiting)
        with transaction.atomic():
            yield
            transaction.set_rollback(True)


@pytest.fixture
def trail(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Write to the trail for good, for tests that leave every other table alone.

    Nothing is emptied afterwards: the trail never is, and emptying the others takes long.
    """
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def undone(trail: None) -> Iterator[None]:
    """Work on the trail as the owner; all that the test does is undone."""
    with roles.as_owner(connection), transaction.atomic():
        yield
        transaction.set_rollback(True)
