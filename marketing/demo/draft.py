"""The marketing facts of the demo while they are being made."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from cs_integrations.customers.demo import Account, Portfolio
from cs_integrations.customers.models import Stakeholder
from cs_integrations.database.copying import copy_rows
from marketing.models import EngagementEvent, Message, RevenueEvent, Touchpoint

CS = Touchpoint.Owner.CUSTOMER_SUCCESS
_OTHERS = (Touchpoint.Owner.MARKETING, Touchpoint.Owner.SALES, Touchpoint.Owner.PRODUCT)
_CS_CHANNELS = (Touchpoint.Channel.QBR, Touchpoint.Channel.CALL, Touchpoint.Channel.TRAINING)
_OTHER_CHANNELS = (Touchpoint.Channel.MAIL, Touchpoint.Channel.IN_APP, Touchpoint.Channel.AD)
_TOUCHED_DAYS = 56  # before a close; well inside the window that attribution looks at


@dataclass(slots=True, kw_only=True)
class Draft:
    """The portfolio, its random numbers, and rows that are copied in the end."""

    portfolio: Portfolio
    random: Random
    contacts: dict[int, int]  # who is written to, by customer
    mails: list[tuple[object, ...]] = field(default_factory=list)
    events: list[tuple[object, ...]] = field(default_factory=list)
    touches: list[tuple[object, ...]] = field(default_factory=list)
    revenues: list[RevenueEvent] = field(default_factory=list)

    def key(self, account: Account) -> int:
        """Return the primary key of an account's customer."""
        return self.portfolio.customers[account.public_id].pk

    def moment(self, days_ago: float) -> datetime:
        """Return the moment so many days before the demo's today."""
        return self.portfolio.at - timedelta(days=days_ago)

    def touch(self, account: Account, *, before: datetime, cs_touches: int, others: int) -> None:
        """Add touchpoints of the weeks before a close, evenly apart."""
        owners = [CS] * cs_touches + [self.random.choice(_OTHERS) for _ in range(others)]
        self.random.shuffle(owners)
        for place, owner in enumerate(owners, start=1):
            channel = self.random.choice(_CS_CHANNELS if owner == CS else _OTHER_CHANNELS)
            moment = before - timedelta(days=_TOUCHED_DAYS * place / len(owners))
            self.touches.append((self.key(account), owner.value, channel.value, moment))

    def write(self) -> None:
        """Copy the rows into their tables."""
        copy_rows(Message, ("enrollment_id", "stakeholder_id", "step", "sent_at"), self.mails)
        copy_rows(EngagementEvent, ("enrollment_id", "kind", "occurred_at"), self.events)
        copy_rows(Touchpoint, ("customer_id", "owner", "channel", "occurred_at"), self.touches)
        RevenueEvent.objects.bulk_create(self.revenues)


def new_draft(portfolio: Portfolio) -> Draft:
    """Return an empty draft for the portfolio."""
    rows = Stakeholder.objects.filter(is_marketing_contact=True, left_date__isnull=True)
    return Draft(
        portfolio=portfolio,
        random=portfolio.rng("marketing"),
        contacts=dict(rows.order_by("pk").values_list("customer_id", "pk")),
    )
