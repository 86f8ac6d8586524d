"""Who is enrolled in the demo's campaigns, what was sent to them and what they did with it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from cs_integrations.customers.demo import Account, Trait
from cs_integrations.customers.health import Zone, zone
from cs_integrations.customers.queries import health_near
from marketing.demo.draft import Draft
from marketing.demo.plan import (
    JOINING_DAYS,
    MAIL_DAYS,
    NAMED_CUSTOMER,
    NAMED_RUN,
    WINBACK_ID,
    WINBACKS,
    Run,
)
from marketing.models import Campaign, CampaignEnrollment
from marketing.rules import (
    PARAMETERS,
    CampaignKind,
    EngagementCounts,
    EngagementKind,
    engagement_points,
)

RUN_TIME = timedelta(days=PARAMETERS.sequence_days)
_YEAR_DAYS = 365
_RETURNED_AFTER_DAYS = 3  # a customer that left is written to
_LEFT_WITH = Decimal(42)  # points, where the kept history does not reach back
_FULL = Decimal(100)
# Points of health that a point of engagement goes along with, at no engagement, and their spread.
_SLOPE, _OFFSET, _NOISE = 0.45, -2.0, 3.0
_OPENED, _CLICKED_IF_OPENED, _REPLIED_IF_CLICKED = 0.45, 0.51, 0.12  # 23% of mails are clicked
_BOUNCED, _UNSUBSCRIBED = 0.02, 0.006


def earlier_levels(draft: Draft) -> dict[str, Decimal]:
    """Draw the health around which each account stood before the kept history."""
    bands = {Zone.GREEN: (8100, 8800), Zone.YELLOW: (6100, 7600), Zone.RED: (5000, 5800)}
    levels: dict[str, Decimal] = {}
    for account, _ in draft.portfolio.active():
        low, high = (5400, 7400) if account.churn_risk else bands[account.zone or Zone.RED]
        levels[account.public_id] = Decimal(draft.random.randint(low, high)).scaleb(-2)
    return levels


def customers_at(draft: Draft, run: Run) -> list[Account]:
    """Return the accounts that were customers when a campaign began."""
    begin = draft.portfolio.as_of - timedelta(days=run.days_ago)
    return [account for account, _ in draft.portfolio.active() if account.started_date < begin]


def named_participants(draft: Draft) -> list[Account]:
    """Draw who takes part in the named campaign.

    Not the named customer, and nobody who renewed while the campaign could claim it: it would
    earn more than the example says.
    """
    first, last = NAMED_RUN.days_ago - JOINING_DAYS - PARAMETERS.revenue_days, NAMED_RUN.days_ago
    pool = [
        account
        for account in customers_at(draft, NAMED_RUN)
        if account.public_id != NAMED_CUSTOMER
        and not first - 1 <= _YEAR_DAYS - account.renewal_in_days <= last + 1
    ]
    return draft.random.sample(pool, min(NAMED_RUN.size, len(pool)))


def write_run(
    draft: Draft, run: Run, candidates: Sequence[Account], levels: Mapping[str, Decimal]
) -> list[CampaignEnrollment]:
    """Write a campaign with up to ``run.size`` of the candidates whose zone it is for."""
    scores = _scores_today(draft, run, candidates) if run.is_young else levels
    fitting = [
        account
        for account in candidates
        if account.public_id in scores and zone(scores[account.public_id]) in run.sequences
    ]
    chosen = draft.random.sample(fitting, min(run.size, len(fitting)))
    started_at = draft.moment(run.days_ago)
    campaign = Campaign.objects.create(
        public_id=run.public_id,
        kind=run.kind.value,
        status=Campaign.Status.ACTIVE if run.is_young else Campaign.Status.COMPLETED,
        cost=draft.random.randrange(500, 3_000, 50),
        started_at=started_at,
        ended_at=None if run.is_young else started_at + RUN_TIME + timedelta(days=JOINING_DAYS),
    )
    rows = [
        CampaignEnrollment(
            campaign=campaign,
            customer_id=draft.key(account),
            sequence=run.sequences[zone(scores[account.public_id])].value,
            health_at_start=scores[account.public_id],
            zone_at_start=zone(scores[account.public_id]).value,
            started_at=started_at + timedelta(hours=draft.random.randrange(1, 24 * JOINING_DAYS)),
        )
        for account in chosen
    ]
    CampaignEnrollment.objects.bulk_create(rows)
    _write_course(draft, rows, measured=not run.is_young)
    return rows


def write_winback(draft: Draft) -> None:
    """Write the win-back campaign: a sequence for each span since a customer left."""
    left = [account for account in draft.portfolio.accounts.values() if account.churned_date]
    last_days = {account.public_id: account.churned_date or date.min for account in left}
    scores = health_near(
        points={(draft.key(account), last_days[account.public_id]) for account in left},
        tolerance_days=PARAMETERS.measure_tolerance_days,
    )
    rows: list[CampaignEnrollment] = []
    for account in left:
        left_on = last_days[account.public_id]
        score = scores.get((draft.key(account), left_on), _LEFT_WITH)
        for months, sequence in WINBACKS:
            begin = _months_later(left_on, months) + timedelta(days=_RETURNED_AFTER_DAYS)
            if begin <= draft.portfolio.as_of:
                rows.append(
                    CampaignEnrollment(
                        customer_id=draft.key(account),
                        sequence=sequence.value,
                        health_at_start=score,
                        zone_at_start=zone(score).value,
                        started_at=draft.moment((draft.portfolio.as_of - begin).days),
                    )
                )
    campaign = Campaign.objects.create(
        public_id=WINBACK_ID,
        kind=CampaignKind.WINBACK.value,
        cost=draft.random.randrange(500, 3_000, 50),
        started_at=min(row.started_at for row in rows),
    )
    for row in rows:
        row.campaign = campaign
    CampaignEnrollment.objects.bulk_create(rows)
    _write_course(draft, rows, measured=False)


def _scores_today(draft: Draft, run: Run, candidates: Sequence[Account]) -> dict[str, Decimal]:
    """Return the computed health at a young campaign's begin.

    The steady accounts are the named ones: they take part in nothing that runs now, and
    neither does who has just opted out.
    """
    begin = draft.portfolio.as_of - timedelta(days=run.days_ago)
    scores = health_near(
        points={(draft.key(account), begin) for account in candidates}, tolerance_days=0
    )
    return {
        account.public_id: scores[draft.key(account), begin]
        for account in candidates
        if (draft.key(account), begin) in scores
        and not {Trait.STEADY, Trait.OPTED_OUT} & account.traits
    }


def _write_course(draft: Draft, rows: Sequence[CampaignEnrollment], *, measured: bool) -> None:
    """Send the mails up to the demo's today, draw what came of them, end what has run its time."""
    for row in rows:
        counts = _mail(draft, row)
        if row.started_at + RUN_TIME <= draft.portfolio.at:
            row.ended_at = row.started_at + RUN_TIME
        if measured:
            points = float(engagement_points(engagement=counts))
            change = _SLOPE * points + _OFFSET + draft.random.gauss(0, _NOISE)
            after = row.health_at_start + Decimal(round(100 * change)).scaleb(-2)
            row.health_after = min(_FULL, max(Decimal(0), after))
    CampaignEnrollment.objects.bulk_update(rows, ["ended_at", "health_after"])


def _mail(draft: Draft, row: CampaignEnrollment) -> EngagementCounts:
    contact = draft.contacts[row.customer_id]
    interest = draft.random.uniform(0.8, 1.2)
    kinds: list[EngagementKind] = []
    for step, days in enumerate(MAIL_DAYS, start=1):
        sent_at = row.started_at + timedelta(days=days)
        drawn = list(_reactions(draft, interest))  # drawn for each mail, sent yet or not
        if sent_at > draft.portfolio.at or EngagementKind.UNSUBSCRIBE in kinds:
            continue
        draft.mails.append((row.pk, contact, step, sent_at))
        for place, kind in enumerate(drawn):
            occurred_at = min(sent_at + timedelta(minutes=20 + 7 * place), draft.portfolio.at)
            draft.events.append((row.pk, kind.value, occurred_at))
        kinds += drawn
    return EngagementCounts(
        opens=kinds.count(EngagementKind.OPEN),
        clicks=kinds.count(EngagementKind.CLICK),
        replies=kinds.count(EngagementKind.REPLY),
        bounces=kinds.count(EngagementKind.BOUNCE),
        unsubscribes=kinds.count(EngagementKind.UNSUBSCRIBE),
    )


def _reactions(draft: Draft, interest: float) -> Iterator[EngagementKind]:
    random = draft.random.random
    if random() < _BOUNCED:
        yield EngagementKind.BOUNCE
    elif random() < _OPENED * interest:
        yield EngagementKind.OPEN
        if random() < _CLICKED_IF_OPENED * interest:
            yield EngagementKind.CLICK
            if random() < _REPLIED_IF_CLICKED:
                yield EngagementKind.REPLY
        elif random() < _UNSUBSCRIBED:
            yield EngagementKind.UNSUBSCRIBE


def _months_later(day: date, months: int) -> date:
    """Return the same day so many months later; it is at most the 28th."""
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, day.day)
