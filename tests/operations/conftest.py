import pytest

from tests.factories import NOON


@pytest.fixture(autouse=True)
def _noon(time_machine):
    """All facts of these tests are told as of one day, a Monday."""
    time_machine.move_to(NOON, tick=False)
