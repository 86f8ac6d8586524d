"""The facts of a capacity forecast, all customers at once, and its answer."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q

from cs_integrations import exchange
from cs_integrations.api.formats import percent
from cs_integrations.customers.health import zone
from cs_integrations.customers.models import Customer
from cs_integrations.customers.queries import latest_health
from cs_integrations.explanation import Explanation, Outcome
from operations import rules
from operations.models import Absence, Csm, CsmSkill, Skill
from operations.queries.team import skill_needs
from operations.rules import PARAMETERS, OperationsParameters

CAPACITY_RULE = "operations.capacity_forecast"
RULE_VERSION = "1"


def capacity_forecast(
    *, period: str, at: datetime, parameters: OperationsParameters = PARAMETERS
) -> Outcome:
    """Return the load of the CSM team in a period, the skills that lack, and hiring.

    ``period`` is one of ``rules.period_choices``; today is its first day.

    :raises ValueError: the word names no period
    """
    days = rules.forecast_period(word=period, as_of=at.date(), parameters=parameters)
    accounts = _accounts(at)
    wins = _expected_wins(days)
    staff = _staff(days)
    forecast = rules.capacity_forecast(
        accounts=accounts,
        wins=wins,
        staff=staff,
        skills=list(Skill.objects.filter(is_active=True).values_list("code", flat=True)),
        period=days,
        parameters=parameters,
    )
    utilization, trigger = forecast.utilization_pct, forecast.hiring_trigger
    return Outcome(
        body={
            "utilization_projection": None if utilization is None else percent(utilization),
            "skill_gaps": list(forecast.skill_gaps),
            "hiring_triggers": [] if trigger is None else [trigger.value],
        },
        explanation=Explanation(
            rule_id=CAPACITY_RULE,
            rule_version=RULE_VERSION,
            inputs=_inputs(period, days, accounts, wins, staff),
            steps={
                "staff_hours": {
                    member.code: rules.staff_hours(
                        member=member, period=days, parameters=parameters
                    )
                    for member in staff
                },
                **_steps(forecast),
            },
            sample_size=len(accounts),
            reasons=forecast.reasons,
        ),
    )


def _accounts(at: datetime) -> list[rules.Account]:
    health = latest_health(customer_ids=None, on=at.date())
    needs = skill_needs(customer_ids=None)
    rows = Customer.objects.filter(status=Customer.Status.ACTIVE).order_by("pk")
    return [
        rules.Account(
            segment=rules.Segment(segment),
            zone=zone(health[customer_id].score) if customer_id in health else None,
            complexity=complexity,
            skill_shares=needs.get(customer_id, {}),
        )
        for customer_id, segment, complexity in rows.values_list("pk", "segment", "complexity")
    ]


def _expected_wins(days: rules.Period) -> list[rules.ExpectedWin]:
    deals = exchange.expected_deals.call(start=days.start, end=days.end)
    return [
        rules.ExpectedWin(
            segment=rules.Segment(deal.segment), close_probability=deal.close_probability
        )
        for deal in deals
    ]


def _staff(days: rules.Period) -> list[rules.StaffMember]:
    """Return the CSMs employed on any day of the period."""
    rows = Csm.objects.filter(
        Q(active_to__gte=days.start) | Q(active_to__isnull=True), active_from__lte=days.end
    ).order_by("pk")
    levels: defaultdict[int, dict[str, int]] = defaultdict(dict)
    mastered = CsmSkill.objects.filter(csm__in=rows, skill__is_active=True)
    for csm_id, code, level in mastered.values_list("csm_id", "skill__code", "level"):
        levels[csm_id][code] = level
    absences = defaultdict(list)
    away = Absence.objects.filter(
        csm__in=rows, start_date__lte=days.end, end_date__gte=days.start
    ).order_by("start_date", "end_date")
    for absence in away:
        absences[absence.csm_id].append((absence.start_date, absence.end_date))
    return [
        rules.StaffMember(
            code=csm.code,
            active_from=csm.active_from,
            active_to=csm.active_to,
            fte=csm.fte,
            productive_hours=_decimal(csm.productive_hours),
            absences=tuple(absences[csm.pk]),
            skill_levels=levels[csm.pk],
        )
        for csm in rows
    ]


def _decimal(hours: int | None) -> Decimal | None:
    return None if hours is None else Decimal(hours)


def _inputs(
    word: str,
    days: rules.Period,
    accounts: Sequence[rules.Account],
    wins: Sequence[rules.ExpectedWin],
    staff: Sequence[rules.StaffMember],
) -> dict[str, Any]:
    counted = Counter(f"{account.segment}/{account.zone or 'unknown'}" for account in accounts)
    return {
        "period": word,
        "start": days.start,
        "end": days.end,
        "accounts": dict(sorted(counted.items())),
        "expected_wins": [[win.segment, win.close_probability] for win in wins],
        "staff": {
            member.code: {"fte": member.fte, "skill_levels": member.skill_levels}
            for member in staff
        },
    }


def _steps(forecast: rules.CapacityForecast) -> dict[str, Any]:
    return {
        "account_hours": forecast.account_hours,
        "onboarding_hours": forecast.onboarding_hours,
        "demand_hours": forecast.demand_hours,
        "supply_hours": forecast.supply_hours,
        "utilization_pct": forecast.utilization_pct,
        "skill_pools": {
            pool.code: {
                "demand_hours": pool.demand_hours,
                "supply_hours": pool.supply_hours,
                "utilization_pct": pool.utilization_pct,
                "is_gap": pool.is_gap,
            }
            for pool in forecast.pools
        },
    }
