import pytest

from cs_integrations import exchange
from tests.factories import NOON


@pytest.fixture(autouse=True)
def _noon(time_machine):
    """All facts of these tests are told as of one day, a Monday."""
    time_machine.move_to(NOON, tick=False)


@pytest.fixture
def expect_deals(monkeypatch):
    """Return a function that says which deals sales expects to win; by default none."""

    def expect(*deals):
        asked = []

        def expected_deals(*, start, end):
            asked.append((start, end))
            return deals

        monkeypatch.setattr(exchange.expected_deals, "_provider", expected_deals)
        return asked

    expect()
    return expect
