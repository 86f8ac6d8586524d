"""What the other domains say of a customer, until a test says otherwise."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from cs_integrations import exchange


@dataclass
class Neighbors:
    """Facts of the other domains by customer key, and the workflows that were started."""

    readiness: dict[int, Any] = field(default_factory=dict)
    weak_features: dict[int, tuple[str, ...]] = field(default_factory=dict)
    open_tiers: dict[int, int] = field(default_factory=dict)
    started: list[tuple[str, int, int]] = field(default_factory=list)

    def start(self, *, code, customer_id, tier, **_):
        self.started.append((code, customer_id, tier))
        return "exec_1"


@pytest.fixture
def neighbors(monkeypatch) -> Neighbors:
    """Stand in for the other domains: their rules have tests of their own."""
    facts = Neighbors()
    providers = {
        exchange.expansion_readiness: lambda **_: facts.readiness,
        exchange.weak_core_features: lambda **_: facts.weak_features,
        exchange.highest_open_escalations: lambda **_: facts.open_tiers,
        exchange.start_workflow: facts.start,
    }
    for offer, provider in providers.items():
        monkeypatch.setattr(offer, "_provider", provider)
    return facts
