"""Which customer a request is about: requests about one customer keep their order."""

import json
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from audit.replay import requests
from cs_integrations import exchange
from cs_integrations.database.identifiers import is_public_id

NOBODY = ""  # the lane of all requests that are about no customer
_CUSTOMER_MEMBER = "customer_id"
_CUSTOMER_PREFIX = "cust"


def of(records: Mapping[UUID, Mapping[str, Any]]) -> Mapping[UUID, str]:
    """Return the lane of each record: its customer's public id, or :data:`NOBODY`.

    A record that names no customer is asked for its objects', and a request that was refused
    before its body was read for the customer in its body; both for all records at once.
    """
    lanes = {record_id: record["customer_id"] for record_id, record in records.items()}
    owners = _owners({
        name
        for record_id, record in records.items() if not lanes[record_id]
        for name in record["object_ids"]
    })  # fmt: skip
    for record_id, record in records.items():
        if not lanes[record_id]:
            found = (owners[name] for name in record["object_ids"] if name in owners)
            lanes[record_id] = next(found, NOBODY)
    unread = [
        record
        for record_id, record in records.items()
        if not lanes[record_id] and record["request_bytes"] and not record["object_ids"]
    ]
    for record_id, envelope in requests.original_requests(unread).items():
        lanes[record_id] = _customer_in(envelope.body)
    return lanes


def _owners(object_ids: Collection[str]) -> Mapping[str, str]:
    owners: dict[str, str] = {}
    if object_ids:
        for offer in exchange.customers_of.values():
            owners |= offer.call(public_ids=object_ids)
    return owners


def _customer_in(body: bytes) -> str:
    try:
        members = json.loads(body)
    except (ValueError, RecursionError):
        return NOBODY
    named = members.get(_CUSTOMER_MEMBER) if isinstance(members, dict) else None
    is_id = isinstance(named, str) and is_public_id(named, _CUSTOMER_PREFIX)
    return named if is_id else NOBODY  # type: ignore[return-value]
