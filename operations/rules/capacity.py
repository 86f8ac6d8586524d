"""The capacity forecast: demanded hours, available hours, skills that lack. Pure.

Source: spec, Capacity Forecast API; operations map (account complexity, skill matching, 85%).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from cs_integrations.customers.health import Zone
from operations.rules.parameters import PARAMETERS, OperationsParameters, Segment

HUNDRED = Decimal(100)
ONE_DAY = timedelta(days=1)


class HiringTrigger(StrEnum):
    """How pressing hiring is, most pressing first."""

    URGENT = "urgent"
    PLANNED = "planned"
    MONITOR = "monitor"


@dataclass(frozen=True, slots=True)
class Period:
    """The days of a forecast, both ends included."""

    start: date
    end: date

    @property
    def days(self) -> int:
        """The number of days, >= 1."""
        return (self.end - self.start).days + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An active customer as the forecast sees it."""

    segment: Segment
    zone: Zone | None  # None: no computed health
    complexity: Decimal = Decimal(1)  # 1.0 to 1.5
    skill_shares: Mapping[str, Decimal] = field(default_factory=dict)  # of its hours, 0 to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedWin:
    """An open deal that is expected to close inside the period."""

    segment: Segment
    close_probability: Decimal  # 0 to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffMember:
    """A CSM as the forecast sees them."""

    code: str
    active_from: date
    active_to: date | None = None  # last day, included; None: no end is known
    fte: Decimal = Decimal(1)  # 0 to 1
    productive_hours: Decimal | None = None  # of a full-time month; None: the standard
    absences: tuple[tuple[date, date], ...] = ()  # first and last day, included
    skill_levels: Mapping[str, int] = field(default_factory=dict)  # skill code to 1-5


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillPool:
    """The hours that need a skill against the hours of those who master it."""

    code: str
    demand_hours: Decimal
    supply_hours: Decimal
    utilization_pct: Decimal | None  # None: nobody masters the skill
    is_gap: bool
    is_exhausted: bool  # by itself a reason to hire at once


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityForecast:
    """The forecast of a period; hours are those of the whole period."""

    account_hours: Decimal
    onboarding_hours: Decimal
    supply_hours: Decimal
    utilization_pct: Decimal | None  # None: there is no staff
    pools: tuple[SkillPool, ...]  # of the needed skills, scarcest first
    skill_gaps: tuple[str, ...]
    hiring_trigger: HiringTrigger | None
    reasons: tuple[str, ...] = ()

    @property
    def demand_hours(self) -> Decimal:
        """Hours of the accounts and of the expected onboardings."""
        return self.account_hours + self.onboarding_hours


def period_choices(*, parameters: OperationsParameters = PARAMETERS) -> tuple[str, ...]:
    """Return the words that name a period: ``next_30d`` and so on."""
    return tuple(f"next_{days}d" for days in parameters.period_days)


def default_period(*, parameters: OperationsParameters = PARAMETERS) -> str:
    """Return the word of the period that is meant when none is named."""
    return f"next_{parameters.default_period_days}d"


def forecast_period(
    *, word: str, as_of: date, parameters: OperationsParameters = PARAMETERS
) -> Period:
    """Return the days that ``next_90d`` means: 90 of them, today the first.

    :raises ValueError: the word names no period
    """
    if word not in period_choices(parameters=parameters):
        raise ValueError(f"no forecast period {word!r}")
    days = int(word.removeprefix("next_").removesuffix("d"))
    return Period(start=as_of, end=as_of + timedelta(days=days - 1))


def account_hours(*, account: Account, parameters: OperationsParameters = PARAMETERS) -> Decimal:
    """Return the hours an account takes in a month: tier hours x zone factor x complexity."""
    hours = {
        Segment.ENTERPRISE: parameters.enterprise_hours,
        Segment.MID_MARKET: parameters.mid_market_hours,
        Segment.SMALL_BUSINESS: parameters.small_business_hours,
    }[account.segment]
    factor = {
        Zone.GREEN: parameters.green_factor,
        Zone.YELLOW: parameters.yellow_factor,
        Zone.RED: parameters.red_factor,
        None: parameters.unknown_health_factor,
    }[account.zone]
    return hours * factor * account.complexity


def onboarding_hours(
    *, wins: Collection[ExpectedWin], parameters: OperationsParameters = PARAMETERS
) -> Decimal:
    """Return the hours that the expected wins take to onboard, by their probability."""
    hours = {
        Segment.ENTERPRISE: parameters.enterprise_onboarding_hours,
        Segment.MID_MARKET: parameters.mid_market_onboarding_hours,
        Segment.SMALL_BUSINESS: parameters.small_business_onboarding_hours,
    }
    return sum((hours[win.segment] * win.close_probability for win in wins), Decimal(0))


def staff_hours(
    *, member: StaffMember, period: Period, parameters: OperationsParameters = PARAMETERS
) -> Decimal:
    """Return the hours a CSM can give in the period.

    Counted from the first to the last day of employment inside the period, less absence:
    the planned share, or the recorded days where they are more.
    """
    first = max(period.start, member.active_from)
    last = min(period.end, member.active_to or period.end)
    employed = (last - first).days + 1
    if employed <= 0:
        return Decimal(0)
    recorded = Decimal(_absent_days(member, first, last)) / employed
    present = 1 - max(parameters.absence_share, recorded)
    monthly = member.productive_hours
    if monthly is None:
        monthly = parameters.productive_hours
    return monthly * member.fte * employed * present / parameters.month_days


def capacity_forecast(
    *,
    accounts: Collection[Account],
    wins: Collection[ExpectedWin],
    staff: Collection[StaffMember],
    skills: Collection[str],
    period: Period,
    parameters: OperationsParameters = PARAMETERS,
) -> CapacityForecast:
    """Return the forecast of a period; ``skills`` are the codes of the whole catalogue.

    Without accounts nothing is demanded: 0%, no gaps, no trigger. Without staff there is
    no utilization, every skill lacks and hiring is urgent.
    """
    demanded = _demanded(accounts, period, parameters)
    available = [
        (member, staff_hours(member=member, period=period, parameters=parameters))
        for member in staff
    ]
    pipeline = onboarding_hours(wins=wins, parameters=parameters)
    supply = _total(available)
    if not accounts:
        return _nothing_to_do(pipeline, supply)
    pools = _pools(demanded, available, parameters)
    utilization = HUNDRED * (_total(demanded) + pipeline) / supply if supply else None
    trigger, causes = _hiring(utilization, pools, parameters)
    gaps = tuple(pool.code for pool in pools if pool.is_gap)
    return CapacityForecast(
        account_hours=_total(demanded),
        onboarding_hours=pipeline,
        supply_hours=supply,
        utilization_pct=utilization,
        pools=pools,
        skill_gaps=gaps if supply else tuple(sorted({*skills, *gaps})),
        hiring_trigger=trigger,
        reasons=(*_assumptions(accounts, parameters), *causes),
    )


def _demanded(
    accounts: Collection[Account], period: Period, parameters: OperationsParameters
) -> list[tuple[Account, Decimal]]:
    months = Decimal(period.days) / parameters.month_days
    return [
        (account, account_hours(account=account, parameters=parameters) * months)
        for account in accounts
    ]


def _total(rows: Collection[tuple[object, Decimal]]) -> Decimal:
    return sum((hours for _, hours in rows), Decimal(0))


def _nothing_to_do(pipeline: Decimal, supply: Decimal) -> CapacityForecast:
    return CapacityForecast(
        account_hours=Decimal(0),
        onboarding_hours=pipeline,
        supply_hours=supply,
        utilization_pct=Decimal(0),
        pools=(),
        skill_gaps=(),
        hiring_trigger=None,
        reasons=("There are no active accounts; expected wins alone make no forecast.",),
    )


def _pools(
    demanded: Collection[tuple[Account, Decimal]],
    available: Collection[tuple[StaffMember, Decimal]],
    parameters: OperationsParameters,
) -> tuple[SkillPool, ...]:
    needed: dict[str, Decimal] = {}
    for account, hours in demanded:
        for code, share in account.skill_shares.items():
            needed[code] = needed.get(code, Decimal(0)) + hours * share
    pools = [
        _pool(code, demand, available, parameters) for code, demand in needed.items() if demand
    ]
    scarcest = Decimal("Infinity")
    return tuple(
        sorted(
            pools,
            key=lambda pool: (
                -(scarcest if pool.utilization_pct is None else pool.utilization_pct),
                pool.code,
            ),
        )
    )


def _pool(
    code: str,
    demand: Decimal,
    available: Collection[tuple[StaffMember, Decimal]],
    parameters: OperationsParameters,
) -> SkillPool:
    supply = sum(
        (
            hours
            for member, hours in available
            if member.skill_levels.get(code, 0) >= parameters.skilled_from_level
        ),
        Decimal(0),
    )
    utilization = HUNDRED * demand / supply if supply else None
    return SkillPool(
        code=code,
        demand_hours=demand,
        supply_hours=supply,
        utilization_pct=utilization,
        is_gap=utilization is None or utilization > parameters.skill_gap_above_pct,
        is_exhausted=utilization is None or utilization >= parameters.urgent_pool_from_pct,
    )


def _hiring(
    utilization: Decimal | None, pools: Collection[SkillPool], parameters: OperationsParameters
) -> tuple[HiringTrigger | None, tuple[str, ...]]:
    if utilization is None:
        return HiringTrigger.URGENT, ("No CSM is available in the period.",)
    exhausted = [pool.code for pool in pools if pool.is_exhausted]
    causes = []
    if exhausted:
        causes.append(f"More hours are needed than skilled staff can give: {', '.join(exhausted)}.")
    if utilization >= parameters.urgent_from_pct:
        causes.append(f"Utilization reaches {parameters.urgent_from_pct}%.")
    if causes:
        return HiringTrigger.URGENT, tuple(causes)
    if utilization >= parameters.planned_from_pct:
        return HiringTrigger.PLANNED, (f"Utilization reaches {parameters.planned_from_pct}%.",)
    if utilization >= parameters.monitor_from_pct:
        return HiringTrigger.MONITOR, (f"Utilization reaches {parameters.monitor_from_pct}%.",)
    return None, ()


def _assumptions(
    accounts: Collection[Account], parameters: OperationsParameters
) -> tuple[str, ...]:
    unknown = sum(1 for account in accounts if account.zone is None)
    if not unknown:
        return ()
    factor = parameters.unknown_health_factor
    return (f"Accounts without computed health, counted with factor {factor}: {unknown}.",)


def _absent_days(member: StaffMember, first: date, last: date) -> int:
    """Return the days in ``[first, last]`` that at least one absence covers."""
    absent = 0
    counted_to = first - ONE_DAY
    for start, end in sorted(member.absences):
        begin = max(start, counted_to + ONE_DAY)
        finish = min(end, last)
        if begin <= finish:
            absent += (finish - begin).days + 1
            counted_to = finish
    return absent
