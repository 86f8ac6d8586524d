"""Writes the demo portfolio: raw facts only, the same for the same day and random seed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from types import MappingProxyType

from django.db import transaction

from cs_integrations.customers.catalogue import load_catalogue
from cs_integrations.customers.demo import history, people
from cs_integrations.customers.demo.roster import Account, accounts
from cs_integrations.customers.health import Zone
from cs_integrations.customers.models import (
    ContactConsent,
    Customer,
    CustomerMilestone,
    HealthSnapshot,
    Milestone,
    Plan,
    Stakeholder,
    Subscription,
    UsageMonthly,
)
from cs_integrations.database.copying import copy_rows

_TIMEZONES = ("America/New_York", "Europe/Berlin", "Europe/London", "America/Chicago")
_ONBOARDING_DAYS = 90
_RENEWAL_STAGE_DAYS = 120
_OPTED_OUT_DAYS_AGO = 20
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """The demo customers, from which each domain makes its own facts."""

    as_of: date
    at: datetime  # the day's first moment, UTC: no fact lies later
    random_seed: int
    days: int  # of daily history
    accounts: Mapping[str, Account]  # by public id, in the roster's order
    customers: Mapping[str, Customer]  # by public id, saved

    def rng(self, domain: str) -> Random:
        """Return a domain's own random numbers: what one draws leaves the others as they are."""
        return _rng(self.random_seed, domain)

    def active(self) -> Iterator[tuple[Account, Customer]]:
        """Yield the accounts that have not left, with their customers, in the roster's order."""
        for public_id, account in self.accounts.items():
            if account.is_active:
                yield account, self.customers[public_id]


@transaction.atomic
def build_portfolio(*, as_of: date, random_seed: int, days: int = 180) -> Portfolio:
    """Write the customers' demo facts into an empty database and return what was written.

    ``days`` is the length of the daily health history, >= 1.
    """
    random = _rng(random_seed, "customers")
    roster = accounts(as_of=as_of, random=random)
    load_catalogue()
    customers = Customer.objects.bulk_create(
        [_customer(account, as_of, number) for number, account in enumerate(roster)]
    )
    portfolio = Portfolio(
        as_of=as_of,
        at=datetime.combine(as_of, time(), UTC),
        random_seed=random_seed,
        days=days,
        accounts=MappingProxyType({account.public_id: account for account in roster}),
        customers=MappingProxyType({customer.public_id: customer for customer in customers}),
    )
    pairs = list(zip(roster, customers, strict=True))
    _write_people(portfolio, pairs, random)
    _write_subscriptions_and_usage(portfolio, pairs, random)
    _write_milestones(portfolio, pairs, random)
    _write_health(portfolio, pairs, random)
    return portfolio


def _rng(random_seed: int, domain: str) -> Random:
    return Random(f"{random_seed}:{domain}")  # noqa: S311 - repeatable demo facts, no secret


def _customer(account: Account, as_of: date, number: int) -> Customer:
    return Customer(
        public_id=account.public_id,
        name=account.name,
        segment=account.segment,
        industry=account.industry,
        stage=_stage(account, as_of),
        status=Customer.Status.ACTIVE if account.is_active else Customer.Status.CHURNED,
        timezone=_TIMEZONES[number % len(_TIMEZONES)],
        started_date=account.started_date,
        churned_date=account.churned_date,
    )


def _stage(account: Account, as_of: date) -> Customer.Stage:
    if not account.is_active:
        return Customer.Stage.CHURNED
    if (as_of - account.started_date).days < _ONBOARDING_DAYS:
        return Customer.Stage.ONBOARDING
    if account.zone is Zone.RED:
        return Customer.Stage.AT_RISK
    if account.expansion_ready:
        return Customer.Stage.EXPANSION
    if account.renewal_in_days <= _RENEWAL_STAGE_DAYS:
        return Customer.Stage.RENEWAL
    return Customer.Stage.ADOPTION


def _write_people(
    portfolio: Portfolio, pairs: Sequence[tuple[Account, Customer]], random: Random
) -> None:
    saved = Stakeholder.objects.bulk_create(
        [
            person
            for account, customer in pairs
            for person in people.stakeholders(
                account=account, customer_id=customer.pk, as_of=portfolio.as_of, random=random
            )
        ]
    )
    silent = {customer.pk for account, customer in pairs if account.opted_out}
    opted_out_at = portfolio.at - timedelta(days=_OPTED_OUT_DAYS_AGO)
    ContactConsent.objects.bulk_create(
        ContactConsent(
            stakeholder=person,
            opted_out_at=opted_out_at if person.customer_id in silent else None,
        )
        for person in saved
        if person.is_marketing_contact
    )


def _write_subscriptions_and_usage(
    portfolio: Portfolio, pairs: Sequence[tuple[Account, Customer]], random: Random
) -> None:
    plans = {plan.code: plan for plan in Plan.objects.all()}
    Subscription.objects.bulk_create(
        Subscription(
            customer=customer,
            plan=plans[account.plan_code],
            seats=account.seats,
            eligible_users=account.eligible_users,
            workspaces=account.workspaces,
            business_units=account.business_units,
            monthly_price=(account.annual_value / 12).quantize(_CENT),
            started_date=account.started_date,
            ended_date=account.churned_date,
        )
        for account, customer in pairs
    )
    copy_rows(
        UsageMonthly,
        ("customer_id", *history.UsageRow._fields),
        (
            (customer.pk, *row)
            for account, customer in pairs
            for row in history.usage(
                account=account,
                mails=plans[account.plan_code].mails_per_month,
                as_of=portfolio.as_of,
                random=random,
            )
        ),
    )


def _write_milestones(
    portfolio: Portfolio, pairs: Sequence[tuple[Account, Customer]], random: Random
) -> None:
    catalogue = {milestone.code: milestone for milestone in Milestone.objects.all()}
    CustomerMilestone.objects.bulk_create(
        CustomerMilestone(customer=customer, milestone=catalogue[code], achieved_date=day)
        for account, customer in pairs
        for code, day in history.milestones(account=account, as_of=portfolio.as_of, random=random)
    )


def _write_health(
    portfolio: Portfolio, pairs: Sequence[tuple[Account, Customer]], random: Random
) -> None:
    copy_rows(
        HealthSnapshot,
        ("customer_id", "source", *history.HealthRow._fields),
        (
            (customer.pk, HealthSnapshot.Source.COMPUTED.value, *row)
            for account, customer in pairs
            if not account.no_health
            for row in history.health(
                account=account, as_of=portfolio.as_of, days=portfolio.days, random=random
            )
        ),
    )
