"""What was answered then against what is answered now.

Compared is what the trail keeps of an answer: status, problem type, contract headers, and the
body's declared members, hashed ones by their digests. Texts are JSON.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.urls import Resolver404, resolve
from rest_framework.serializers import BaseSerializer

from audit.models import AuditBody, ReplayItem
from audit.replay.obstacles import NEEDLESS, Obstacle
from audit.replay.plan import PlannedItem
from audit.replay.renaming import Renames
from audit.replay.results import Difference, ItemResult
from cs_integrations.api.context import FIRST_ERROR_STATUS
from cs_integrations.api.problems import pointer_step
from cs_integrations.api.schema import ANSWER_SHAPE
from cs_integrations.api.trail import nested_in

MAX_SHOWN = 200  # characters of a value
MAX_DIFFERENCES = 50  # of one answer
ANY_STEP = "*"
ROOT = "body"  # the place of the whole body
_DIGEST = "sha256:"

Shape = type[BaseSerializer[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer as the trail keeps it."""

    status: int
    problem_type: str
    form: bytes  # audit_body.response; empty when none was kept
    sha256: bytes  # of the whole body
    mac_key: str  # the key that its hashed members are hashed with


def recorded_answer(record: Mapping[str, Any], body: AuditBody | None) -> Answer:
    """Return what was answered then."""
    return Answer(
        status=record["status"],
        problem_type=record["problem_type"],
        form=bytes(body.response) if body is not None else b"",
        sha256=record["response_sha256"],
        mac_key=record["mac_key"],
    )


def unsent(item: PlannedItem | ReplayItem, reason: Obstacle | str) -> ItemResult:
    """Return the result of an item that was not sent."""
    is_needless = reason in NEEDLESS
    return ItemResult(
        record_id=item.record_id,
        operation=item.operation,
        lane=item.lane,
        original_status=item.original_status,
        status=None,
        request_id=None,
        state=ReplayItem.State.SKIPPED if is_needless else ReplayItem.State.REFUSED,
        reason=str(reason),
    )


def compared(
    item: PlannedItem | ReplayItem,
    *,
    status: int,
    found: tuple[Difference, ...],
    request_id: UUID | None = None,
) -> ItemResult:
    """Return the result of an item that was answered, whatever the answer was."""
    return ItemResult(
        record_id=item.record_id,
        operation=item.operation,
        lane=item.lane,
        original_status=item.original_status,
        status=status,
        request_id=request_id,
        state=ReplayItem.State.DONE,
        reason="",
        differences=found,
    )


def answer_shape(method: str, path: str) -> Shape | None:
    """Return the serializer that describes the answer of an operation; None without one."""
    try:
        view: Any = resolve(path).func
    except Resolver404:
        return None
    action = getattr(view, "actions", {}).get(method.lower())
    handler = getattr(getattr(view, "cls", None), action or "", None)
    shape: Shape | None = getattr(handler, ANSWER_SHAPE, None)
    return shape


def differences(
    then: Answer,
    now: Answer,
    *,
    shape: Shape | None,
    ignore: frozenset[str] = frozenset(),
    renames: Renames | None = None,
) -> tuple[Difference, ...]:
    """Return where the two answers differ, at most ``MAX_DIFFERENCES`` places.

    A place is ``status``, ``problem type``, ``body``, ``body hash``, a header, the JSON pointer
    of a member, or the order of an object's members. Both sides are JSON, empty where nothing is.

    Left out are the members that ``shape`` declares as varying, and the JSON pointers in
    ``ignore`` with all that is below them; ``*`` in a pointer stands for any one step. Where
    nothing was kept of the earlier body, its hash is compared if nothing in it may vary.
    """
    found = [
        _difference(place, before, after)
        for place, before, after in (
            ("status", then.status, now.status),
            ("problem type", then.problem_type, now.problem_type),
        )
        if before != after
    ]
    if then.form:
        comparison = _Comparison(
            ignored=tuple(tuple(pointer.split("/")[1:]) for pointer in ignore),
            has_same_digests=then.mac_key == now.mac_key,
            renames=renames or Renames(),
        )
        found += comparison.of_forms(_form(then), _form(now), shape)
    elif _is_exact(then, shape, ignore, renames) and then.sha256 != now.sha256:
        found.append(_difference("body hash", then.sha256.hex(), now.sha256.hex()))
    return tuple(found[:MAX_DIFFERENCES])


def _form(answer: Answer) -> Mapping[str, Any]:
    form: Mapping[str, Any] = json.loads(answer.form) if answer.form else {}
    return form


def _is_exact(
    then: Answer, shape: Shape | None, ignore: frozenset[str], renames: Renames | None
) -> bool:
    """Say whether an equal answer would be equal byte for byte; a problem names its request."""
    is_free_to_vary = bool(ignore or renames) or shape is None or _varies(shape)
    return then.status < FIRST_ERROR_STATUS and not is_free_to_vary


def _varies(shape: Shape) -> bool:
    inner = (nested_in(field) for field in _fields(shape).values())
    return bool(varying(shape)) or any(_varies(type(one)) for one in inner if one is not None)


def _fields(shape: Shape | None) -> Mapping[str, Any]:
    fields: Mapping[str, Any] = getattr(shape, "_declared_fields", {})
    return fields


def varying(shape: Shape | None) -> tuple[str, ...]:
    """Return the members that differ when a request is run again on the same facts."""
    trail = getattr(shape, "trail", None)
    return trail.varying if trail is not None else ()


def _nested(shape: Shape | None, name: str) -> Shape | None:
    inner = nested_in(_fields(shape).get(name))
    return None if inner is None else type(inner)


_ABSENT = object()


def _difference(place: str, then: Any, now: Any) -> Difference:
    return Difference(place=place, then=_text(then), now=_text(now))


def _text(value: Any) -> str:
    if value is _ABSENT:
        return ""
    text = json.dumps(value)  # in ASCII: any report can hold it
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Two kept forms, walked side by side."""

    ignored: tuple[tuple[str, ...], ...]
    has_same_digests: bool
    renames: Renames

    def of_forms(
        self, then: Mapping[str, Any], now: Mapping[str, Any], shape: Shape | None
    ) -> Iterator[Difference]:
        before, after = then.get("headers", {}), now.get("headers", {})
        for name in dict.fromkeys((*before, *after)):
            yield from self._of_values(
                before.get(name, _ABSENT), after.get(name, _ABSENT), f"header {name}"
            )
        yield from self._of_members(
            then.get("body", _ABSENT), now.get("body", _ABSENT), pointer="", shape=shape
        )

    def _of_members(
        self, then: Any, now: Any, *, pointer: str, shape: Shape | None
    ) -> Iterator[Difference]:
        if self._is_ignored(pointer):
            return
        match then, now:
            case Mapping(), Mapping():
                yield from self._of_objects(then, now, pointer, shape)
            case list(), list():
                for index in range(max(len(then), len(now))):
                    yield from self._of_members(
                        then[index] if index < len(then) else _ABSENT,
                        now[index] if index < len(now) else _ABSENT,
                        pointer=f"{pointer}/{index}",
                        shape=shape,
                    )
            case _:
                yield from self._of_values(then, now, pointer or ROOT)

    def _of_objects(
        self, then: Mapping[str, Any], now: Mapping[str, Any], pointer: str, shape: Shape | None
    ) -> Iterator[Difference]:
        common = [name for name in then if name in now]
        if common != [name for name in now if name in then]:
            yield _difference(f"{pointer or ROOT} order", list(then), list(now))
        for name in dict.fromkeys((*then, *now)):
            if name in then and name in now and name in varying(shape):
                continue
            yield from self._of_members(
                then.get(name, _ABSENT),
                now.get(name, _ABSENT),
                pointer=pointer + pointer_step(name),
                shape=_nested(shape, name),
            )

    def _of_values(self, then: Any, now: Any, place: str) -> Iterator[Difference]:
        if isinstance(then, str):
            then = self.renames.applied(then)
        is_digest_of_another_key = (
            not self.has_same_digests and _is_digest(then) and _is_digest(now)
        )
        # As JSON: for Python 1, 1.0 and true are one value.
        if then is now or is_digest_of_another_key or _whole_text(then) == _whole_text(now):
            return
        yield _difference(place, then, now)

    def _is_ignored(self, pointer: str) -> bool:
        steps = pointer.split("/")[1:]
        return any(
            len(pattern) == len(steps)
            and all(wanted in (ANY_STEP, step) for wanted, step in zip(pattern, steps, strict=True))
            for pattern in self.ignored
        )


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(_DIGEST)


def _whole_text(value: Any) -> str:
    return "" if value is _ABSENT else json.dumps(value)
