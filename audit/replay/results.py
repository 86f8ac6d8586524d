"""What became of one request of a batch, in whatever mode it ran."""

from dataclasses import dataclass
from uuid import UUID

from audit.models import ReplayItem


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A place where today's answer is not the recorded one."""

    place: str  # "status", "header Location", or a JSON pointer into the body
    then: str
    now: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemResult:
    """One settled item, as reports and progress show it."""

    record_id: UUID  # of the original
    operation: str
    lane: str  # the customer's public id, or empty
    original_status: int
    status: int | None  # of today's answer; None when the request was not sent
    request_id: UUID | None  # of today's own record
    state: ReplayItem.State
    reason: str  # why it was refused, failed or skipped; else empty
    differences: tuple[Difference, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether it ran and nothing failed or differed."""
        return self.state is ReplayItem.State.DONE and not self.differences
