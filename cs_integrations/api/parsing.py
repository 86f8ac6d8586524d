"""JSON as RFC 8259 means it: one meaning per text, nothing PostgreSQL cannot hold."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import IO, Any

from django.utils.http import parse_header_parameters
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser

from cs_integrations.api.problems import pointer_step
from cs_integrations.api.requests import is_utf8

MAX_DEPTH = 32
MAX_NUMBER_LENGTH = 40
_MAX_NAME_SHOWN = 60
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class MalformedBody(ParseError):
    """The body is not such a text; ``pointer`` is the JSON pointer of the culprit."""

    def __init__(self, detail: str, *, rule: str, pointer: str = "") -> None:
        super().__init__(detail, code=rule)
        self.pointer = pointer


@dataclass(frozen=True, slots=True)
class _Refused:
    """Stands where the decoder met a value it does not take, until its place is known."""

    rule: str
    detail: str
    name: str = ""  # of the member inside, when that one is the culprit


class StrictJSONParser(BaseParser):
    """Parse a JSON object; numbers with a fraction become ``Decimal``.

    Refused: other encodings than UTF-8, a root that is no object, duplicate members, NaN and
    Infinity, NUL and lone surrogates in text, numbers of more than 40 characters, and nesting
    deeper than 32.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the object.

        :raises UnsupportedMediaType: the type names another charset than UTF-8, or is a pattern
            such as ``*/*``, which the framework takes for any
        :raises MalformedBody: the body is not such a text; says where and why
        """
        if media_type is not None:
            base, parameters = parse_header_parameters(media_type)
            if base != self.media_type or not is_utf8(parameters):
                raise UnsupportedMediaType(media_type)
        value = _decoded(stream.read())
        if isinstance(value, _Refused):
            raise _refusal(value, "")
        if not isinstance(value, dict):
            raise MalformedBody("The body must be a JSON object.", rule="object")
        _check(value, "", depth=1)
        return value


def _decoded(raw: bytes) -> Any:
    try:
        return json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=lambda name: _Refused("number", f"{name} is not a JSON number."),
            parse_float=_decimal,
            parse_int=_whole,
        )
    except UnicodeDecodeError as error:
        raise MalformedBody("The body is not UTF-8.", rule="utf8") from error
    except json.JSONDecodeError as error:
        raise MalformedBody(
            f"The body is not JSON: {error.msg} at character {error.pos}.", rule="json"
        ) from error
    except RecursionError as error:
        raise _too_deep("") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Refused:
    members = dict(pairs)
    if len(members) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, times in counts.items() if times > 1)
        return _Refused("duplicate", f"The member {_printable(twice)!r} appears twice.", twice)
    return members


def _decimal(text: str) -> Decimal | _Refused:
    if len(text) > MAX_NUMBER_LENGTH:
        return _TOO_LONG
    try:
        number = Decimal(text)
    except InvalidOperation:
        return _OUT_OF_RANGE
    # 1e999999 is short to write and long to compute with.
    return _OUT_OF_RANGE if abs(number.adjusted()) > MAX_NUMBER_LENGTH else number


def _whole(text: str) -> int | _Refused:
    return _TOO_LONG if len(text) > MAX_NUMBER_LENGTH else int(text)


_TOO_LONG = _Refused("number", f"A number has more than {MAX_NUMBER_LENGTH} characters.")
_OUT_OF_RANGE = _Refused("number", "A number is out of range.")


def _check(value: Any, pointer: str, *, depth: int) -> None:
    """Walk the value in its order and refuse the first thing that may not be in it."""
    if depth > MAX_DEPTH:
        raise _too_deep(pointer)
    if isinstance(value, str):
        _check_text(value, pointer)
    elif isinstance(value, _Refused):
        raise _refusal(value, pointer)
    elif isinstance(value, dict):
        for name, inner in value.items():
            place = pointer + _step(name)
            _check_text(name, place)
            _check(inner, place, depth=depth + 1)
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            _check(inner, f"{pointer}/{position}", depth=depth + 1)


def _check_text(text: str, pointer: str) -> None:
    if found := _UNSTORABLE.search(text):
        kind = "NUL characters" if found.group() == "\x00" else "lone surrogates"
        raise MalformedBody(f"Text must not contain {kind}.", rule="text", pointer=pointer)


def _refusal(refused: _Refused, pointer: str) -> MalformedBody:
    place = pointer + _step(refused.name) if refused.name else pointer
    return MalformedBody(refused.detail, rule=refused.rule, pointer=place)


def _too_deep(pointer: str) -> MalformedBody:
    return MalformedBody(
        f"The body is nested deeper than {MAX_DEPTH}.", rule="depth", pointer=pointer
    )


def _step(name: str) -> str:
    return pointer_step(_printable(name))


def _printable(name: str) -> str:
    """Return a member's name as an answer can show it: short, and without what is refused."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", name[:_MAX_NAME_SHOWN])
