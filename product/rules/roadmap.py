"""When a ticket may expect its answer: quarters and the position on the roadmap. Pure.

Source: spec, Feedback Submission API (``roadmap_position``); CS/satisfaction/summary.md
(85% of feedback acted on within 90 days).
"""

import calendar
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from cs_integrations.api.formats import quarter_target
from product.rules.feedback import Priority
from product.rules.parameters import PARAMETERS, ProductParameters

BACKLOG = "backlog"
QUARTERS_A_YEAR = 4
MONTHS_A_QUARTER = 3


class RoadmapBasis(StrEnum):
    """What a roadmap position rests on."""

    ROADMAP_ITEM = "roadmap_item"  # the feature is planned for that quarter
    PRIORITY = "priority"  # the ticket's priority
    PROMISE = "promise"  # what the ticket's reporter was told before


@dataclass(frozen=True, slots=True, order=True)
class Quarter:
    """A calendar quarter; quarters compare in time."""

    year: int
    number: int  # 1 to 4

    @classmethod
    def of(cls, day: date) -> "Quarter":
        """Return the quarter that holds a day."""
        return cls(day.year, (day.month - 1) // MONTHS_A_QUARTER + 1)

    def ahead(self, quarters: int) -> "Quarter":
        """Return the quarter that many quarters later."""
        counted = self.year * QUARTERS_A_YEAR + self.number - 1 + quarters
        year, index = divmod(counted, QUARTERS_A_YEAR)
        return Quarter(year, index + 1)

    @property
    def last_day(self) -> date:
        """The quarter's last day, by which the work is expected."""
        month = self.number * MONTHS_A_QUARTER
        return date(self.year, month, calendar.monthrange(self.year, month)[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadmapPosition:
    """The quarter in which a ticket is expected to be answered, or the backlog."""

    quarter: Quarter | None  # None: backlog
    basis: RoadmapBasis

    @property
    def label(self) -> str:
        """The position as the specification writes it: ``"Q2_target"`` or ``"backlog"``."""
        return quarter_target(self.quarter.number) if self.quarter else BACKLOG

    @property
    def target_date(self) -> date | None:
        """The last day of the target quarter, None in the backlog."""
        return self.quarter.last_day if self.quarter else None


def roadmap_position(
    *,
    priority: Priority,
    planned: Collection[Quarter],
    as_of: date,
    parameters: ProductParameters = PARAMETERS,
) -> RoadmapPosition:
    """Return the position of a ticket of this priority.

    ``planned`` are the quarters of the feature's undelivered roadmap items: the earliest that
    has not passed is the position. Without one, P0 is the current quarter, P1 the next, P2
    two ahead and P3 the backlog.
    """
    current = Quarter.of(as_of)
    coming = [quarter for quarter in planned if quarter >= current]
    if coming:
        return RoadmapPosition(quarter=min(coming), basis=RoadmapBasis.ROADMAP_ITEM)
    ahead = {
        Priority.P0: parameters.p0_quarters_ahead,
        Priority.P1: parameters.p1_quarters_ahead,
        Priority.P2: parameters.p2_quarters_ahead,
    }
    quarter = current.ahead(ahead[priority]) if priority in ahead else None
    return RoadmapPosition(quarter=quarter, basis=RoadmapBasis.PRIORITY)


def kept_position(
    *, promised: date | None, proposed: RoadmapPosition, as_of: date
) -> RoadmapPosition:
    """Return the position of a ticket that was given a target date before.

    A roadmap item decides. Otherwise the quarter that was promised is kept while it has not
    passed and the priority gives no earlier one: further evidence must not delay a ticket.
    """
    if promised is None or proposed.basis is RoadmapBasis.ROADMAP_ITEM:
        return proposed
    quarter = Quarter.of(promised)
    if quarter < Quarter.of(as_of):
        return proposed
    if proposed.quarter is not None and proposed.quarter < quarter:
        return proposed
    return promised_position(promised=promised)


def promised_position(*, promised: date | None) -> RoadmapPosition:
    """Return the position that a target date means: where a closed ticket stays.

    ``promised`` is None for a ticket that was in the backlog.
    """
    quarter = None if promised is None else Quarter.of(promised)
    return RoadmapPosition(quarter=quarter, basis=RoadmapBasis.PROMISE)
