"""What may be kept of bodies, by the serializers' own declarations.

Of a member the trail keeps what its serializer says: the value, a keyed digest of it, or
nothing. A value that its own field refuses is not what was declared, so only its digest is kept.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from rest_framework.exceptions import ValidationError
from rest_framework.fields import Field
from rest_framework.serializers import BaseSerializer

from audit.redaction import masked_members
from cs_integrations.api import problems
from cs_integrations.api.context import FIRST_ERROR_STATUS, RequestContext
from cs_integrations.api.idempotency import REPLAYED_HEADER
from cs_integrations.api.serializers import StrictSerializer
from cs_integrations.api.trail import DeclaredSerializer, nested_in
from cs_integrations.explanation import plain

# The headers that an answer is held to; all others are the same for every answer, or differ
# with the clock, the limit or the record's id.
CONTRACT_HEADERS = ("Content-Type", "Location", REPLAYED_HEADER, "WWW-Authenticate")
# Of one status only: every answer names its methods, and how long a limit lasts differs.
HEADERS_OF_STATUS = {405: "Allow", 409: "Retry-After"}

Digest = Callable[[bytes], str]


@dataclass(frozen=True, slots=True)
class _Member:
    """How one member is kept."""

    is_plain: bool
    nested: type[DeclaredSerializer] | None = None
    checked_by: "Field[Any, Any, Any, Any] | None" = None  # None: the value is our own


def kept_request(context: RequestContext, *, digest: Digest, secrets: Sequence[str] = ()) -> bytes:
    """Return the request's body as JSON of what is declared; empty when no view read it.

    ``secrets`` are masked in the texts of it, never across its structure.
    """
    shape, members = context.request_shape, context.request_members
    if shape is None or not isinstance(members, Mapping):
        return b""
    return _json(masked_members(redacted(shape, members, digest=digest), secrets))


def kept_response(context: RequestContext, response: HttpResponseBase, *, digest: Digest) -> bytes:
    """Return the answer as JSON ``{"headers": ..., "body": ...}`` of what is declared.

    Empty for answers that are streamed and for views that keep none.
    """
    if not context.keeps_answer or not isinstance(response, HttpResponse):
        return b""
    members = json.loads(response.content) if response.content else None
    if members is not None and response.status_code >= FIRST_ERROR_STATUS:
        members = redacted_problem(members)
    elif members is not None:
        shape = context.answer_shape
        members = None if shape is None else redacted(shape, members, digest=digest)
    return _json({"headers": _contract_headers(response), "body": members})


def redacted(
    shape: type[BaseSerializer[Any]], members: Mapping[str, Any], *, digest: Digest
) -> dict[str, Any]:
    """Return the members that the serializer declares, each as it says; unknown ones are gone."""
    kept = {}
    plan = _plan(shape)  # type: ignore[arg-type]  # a class; the stubs ask its instances
    for name, value in members.items():
        member = plan.get(name)
        if member is not None:
            kept[name] = _kept(member, value, digest)
    return kept


def redacted_problem(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a problem declares: its type and status, the scope, and the broken rules."""
    kept = {name: members[name] for name in problems.KEPT_MEMBERS if name in members}
    if "errors" in members:
        kept["errors"] = [
            {name: error[name] for name in problems.KEPT_ERROR_MEMBERS if name in error}
            for error in members["errors"]
        ]
    return kept


def _kept(member: _Member, value: Any, digest: Digest) -> Any:
    if not member.is_plain:
        return _hashed(value, digest)
    if member.nested is not None:
        return _kept_nested(member.nested, value, digest)
    if member.checked_by is not None and not _is_taken(member.checked_by, value):
        return _hashed(value, digest)
    return plain(value)


def _kept_nested(shape: type[DeclaredSerializer], value: Any, digest: Digest) -> Any:
    match value:
        case Mapping():
            return redacted(shape, value, digest=digest)
        case list():
            return [_kept_nested(shape, item, digest) for item in value]
        case _:
            return None if value is None else _hashed(value, digest)


def _is_taken(field: "Field[Any, Any, Any, Any]", value: Any) -> bool:
    try:
        field.run_validation(value)
    except ValidationError:
        return False
    return True


def _hashed(value: Any, digest: Digest) -> str:
    text = json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{digest(text.encode())}"


@cache
def _plan(shape: type[BaseSerializer[Any]]) -> Mapping[str, _Member]:
    """Return how each member is kept; what is dropped, or not declared at all, is not in it."""
    if not issubclass(shape, DeclaredSerializer):
        return {}
    is_input = issubclass(shape, StrictSerializer)
    plan = {name: _Member(is_plain=False) for name in shape.trail.hashed}
    for name, field in shape().fields.items():
        if name in shape.trail.plain:
            nested = nested_in(field)
            check = field if is_input and nested is None else None
            plan[name] = _Member(True, nested and type(nested), check)
    return plan


def _contract_headers(response: HttpResponseBase) -> dict[str, str]:
    names = (*CONTRACT_HEADERS, HEADERS_OF_STATUS.get(response.status_code, ""))
    return {name: response[name] for name in names if name in response}


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
