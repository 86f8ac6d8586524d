"""The people at the demo customers: sponsors, champions and those who are written to."""

from datetime import date, timedelta
from random import Random

from cs_integrations.customers.demo.roster import Account, Trait
from cs_integrations.customers.health import Zone
from cs_integrations.customers.models import Segment, Stakeholder

C_LEVEL, VP, MANAGER = Stakeholder.Level.C_LEVEL, Stakeholder.Level.VP, Stakeholder.Level.MANAGER
_CHAMPION_LEFT_DAYS_AGO = 40

_FIRST_NAMES = (
    "Amara", "Ben", "Carla", "Dmitri", "Elena", "Farid", "Grace", "Hugo", "Ines", "Jonas",
    "Kavya", "Liam", "Mei", "Noor", "Oscar", "Priya", "Quentin", "Rosa", "Samir", "Tilde",
    "Uma", "Viktor", "Wanda", "Yusuf", "Zoe",
)  # fmt: skip
_LAST_NAMES = (
    "Abbott", "Brandt", "Castillo", "Dufour", "Eriksen", "Fischer", "Garner", "Haddad",
    "Ishikawa", "Jensen", "Kowalski", "Lindqvist", "Marchetti", "Nakamura", "Okafor", "Petrov",
    "Quigley", "Rahman", "Sorensen", "Tanaka", "Ueda", "Vargas", "Whitfield", "Yilmaz",
)  # fmt: skip
_SPONSOR_ROLES = {C_LEVEL: "Chief Revenue Officer", VP: "VP Marketing", MANAGER: "Marketing Lead"}
_SMALL_SPONSOR_ROLES = {C_LEVEL: "Founder", VP: "Head of Growth", MANAGER: "Office Manager"}
_OTHER_ROLES = {
    Segment.ENTERPRISE: (
        ("Head of Finance", VP),
        ("Email Operations Manager", MANAGER),
        ("IT Integration Manager", MANAGER),
    ),
    Segment.MID_MARKET: (("Sales Operations Manager", MANAGER),),
    Segment.SMALL_BUSINESS: (),
}


def stakeholders(
    *, account: Account, customer_id: int, as_of: date, random: Random
) -> list[Stakeholder]:
    """Return the unsaved people of an account: sponsor, champion, campaign manager and others.

    The sponsor and the campaign manager are always there; the champion of an account that
    may leave has left already.
    """
    is_small = account.segment == Segment.SMALL_BUSINESS
    level = _sponsor_level(account)
    sponsor = Stakeholder(
        role=(_SMALL_SPONSOR_ROLES if is_small else _SPONSOR_ROLES)[level],
        level=level,
        is_sponsor=True,
        is_decision_maker=True,
        nps=_sponsor_nps(account, random),
    )
    champion = Stakeholder(
        role="Growth Marketer" if is_small else "Demand Generation Manager",
        level=MANAGER,
        is_champion=True,
        is_marketing_contact=True,
        nps=random.randrange(7, 11),
        left_date=as_of - timedelta(days=_CHAMPION_LEFT_DAYS_AGO) if account.churn_risk else None,
    )
    campaign_manager = Stakeholder(
        role="Campaign Manager", level=MANAGER, is_marketing_contact=True
    )
    others = [Stakeholder(role=role, level=rank) for role, rank in _OTHER_ROLES[account.segment]]
    people = [sponsor, champion, campaign_manager, *others]
    for person in people:
        person.customer_id = customer_id
        person.name = f"{random.choice(_FIRST_NAMES)} {random.choice(_LAST_NAMES)}"
    return people


def _sponsor_level(account: Account) -> Stakeholder.Level:
    # An unhappy enterprise account with an executive sponsor calls for the senior CSM (T5.2).
    if account.at_limits or (account.segment == Segment.ENTERPRISE and account.zone is Zone.RED):
        return C_LEVEL
    return VP if account.zone in (Zone.GREEN, Zone.YELLOW) else MANAGER


def _sponsor_nps(account: Account, random: Random) -> int | None:
    """Return the sponsor's latest answer, 0 to 10; None where nobody has asked yet."""
    drawn = random.randrange(3)
    if account.short_history or account.no_health:
        return None
    if Trait.AT_LIMITS in account.traits:
        return 8  # passive: with a C-level sponsor, executive readiness is (100 + 70) / 2
    if account.expansion_ready:
        return 8 + drawn
    if account.zone is Zone.RED or not account.is_active:
        return 2 + drawn
    return 7 + drawn % 2
