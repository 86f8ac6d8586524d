"""Erasing: a destroyed data key makes exact requests unreadable, and leaves every proof whole."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import connection

from audit import data_keys
from audit.keeping import holds
from audit.models import AuditBody, DataKey
from audit.owner import Refused, briefly_waiting
from cs_integrations.database import partitions

_DESTROY = """
UPDATE audit_data_key SET wrapped = NULL, destroyed_at = %s
WHERE id = ANY(%s) AND wrapped IS NOT NULL
"""


class NothingToErase(Refused):
    """The client has no live data key in these months."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """What an erasure takes away: data keys, and the exact requests that only they open."""

    keys: Sequence[UUID]
    months: Sequence[date]
    requests: int


def planned(*, client_id: str, month: date | None) -> Erasure:
    """Return what erasing a client's month would take away, or all its months with None.

    :raises NothingToErase: there is no live data key
    :raises UnderHold: a legal hold covers one of the months
    """
    live = DataKey.objects.filter(client_id=client_id, wrapped__isnull=False)
    if month is not None:
        live = live.filter(month=month)
    found = list(live.order_by("month"))
    if not found:
        span = "any month" if month is None else f"{month:%Y-%m}"
        raise NothingToErase(f"{client_id} has no data key in {span}")
    for key in found:
        holds.refuse_if_held(key.month)
    return Erasure(
        keys=[key.pk for key in found],
        months=[key.month for key in found],
        requests=sum(_sealed_with(key) for key in found),
    )


def erase(*, client_id: str, month: date | None, at: datetime) -> Erasure:
    """Destroy a client's data keys of a month, or of all months with None.

    Runs under the owner's role. A worker that remembers a key uses it for 60 s more.

    :raises NothingToErase: there is no live data key
    :raises UnderHold: a legal hold covers one of the months; nothing is destroyed
    :raises TrailBusy: somebody is placing a hold
    """
    with briefly_waiting():
        holds.keep_as_they_are()
        erasure = planned(client_id=client_id, month=month)
        _destroy(erasure.keys, at=at)
    data_keys.forget()
    return erasure


def destroy_month(month: date, *, at: datetime) -> int:
    """Destroy the data keys of a month whose bodies are gone; return how many there were."""
    live = DataKey.objects.filter(month=month, wrapped__isnull=False)
    return _destroy(list(live.values_list("pk", flat=True)), at=at)


def _sealed_with(key: DataKey) -> int:
    low, end = partitions.bounds(key.month)
    count: int = AuditBody.objects.filter(pk__gte=low, pk__lt=end, data_key=key.pk).count()
    return count


def _destroy(ids: Collection[UUID], *, at: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_DESTROY, [at, list(ids)])
        return int(cursor.rowcount)
