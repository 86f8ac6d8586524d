"""What one domain offers to the others."""

from collections.abc import Callable

import pytest

from cs_integrations import exchange
from cs_integrations.exchange import Offer, OfferMissing

Fact = Callable[[], int]


def one() -> int:
    return 1


def two() -> int:
    return 2


def test_a_fact_that_nobody_provides_is_missing_by_name() -> None:
    offer: Offer[Fact] = Offer("sales.something")
    with pytest.raises(OfferMissing, match=r"no domain provides sales\.something"):
        _ = offer.call


def test_a_provided_fact_can_be_called() -> None:
    offer: Offer[Fact] = Offer("sales.something")
    offer.provide(one)
    assert offer.call() == 1


def test_the_same_provider_may_register_again() -> None:
    offer: Offer[Fact] = Offer("sales.something")
    offer.provide(one)
    offer.provide(one)
    assert offer.call() == 1


def test_a_second_provider_is_refused_and_the_first_stays() -> None:
    offer: Offer[Fact] = Offer("sales.something")
    offer.provide(one)
    with pytest.raises(ValueError, match=r"sales\.something already has a provider"):
        offer.provide(two)
    assert offer.call() == 1


def test_offers_are_named_after_their_domain_and_listed_once() -> None:
    names = [offer.name for offer in exchange.OFFERS]
    assert len(set(names)) == len(names)
    assert {name.split(".")[0] for name in names} <= {
        "marketing",
        "sales",
        "product",
        "finance",
        "operations",
    }


def test_every_offer_of_the_module_is_listed() -> None:
    named = {name: value for name, value in vars(exchange).items() if isinstance(value, Offer)}
    of_domains = {*exchange.demo.values(), *exchange.customers_of.values()}
    assert {*named.values(), *of_domains} == set(exchange.OFFERS)


def test_an_offer_is_called_by_its_own_name() -> None:
    for name, value in vars(exchange).items():
        if isinstance(value, Offer):
            assert value.name.split(".")[1] == name
    assert {domain: offer.name for domain, offer in exchange.demo.items()} == {
        domain: f"{domain}.demo" for domain in exchange.demo
    }
