"""JSON as RFC 8259 means it: one meaning per text, nothing PostgreSQL cannot hold."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import IO, Any, NoReturn

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

MAX_DEPTH = 32
MAX_NUMBER_LENGTH = 40
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


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
        media_type: str | None = None,  # noqa: ARG002
        parser_context: Mapping[str, Any] | None = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Return the object.

        :raises ParseError: the body is not such a text; the message says why
        """
        try:
            text = stream.read().decode("utf-8")
            value = json.loads(
                text,
                object_pairs_hook=_object,
                parse_constant=_refuse_constant,
                parse_float=_decimal,
                parse_int=_whole,
            )
        except UnicodeDecodeError as error:
            raise ParseError("The body is not UTF-8.") from error
        except json.JSONDecodeError as error:
            raise ParseError(f"The body is not JSON: {error.msg} at character {error.pos}.") from error
        except RecursionError as error:
            raise ParseError(f"The body is nested deeper than {MAX_DEPTH}.") from error
        if not isinstance(value, dict):
            raise ParseError("The body must be a JSON object.")
        _check_values(value, depth=1)
        return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        twice = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        raise ParseError(f"The member {_printable(twice)} appears twice.")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ParseError(f"{name} is not a JSON number.")


def _decimal(text: str) -> Decimal:
    _check_length(text)
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise ParseError("A number is out of range.") from error
    if abs(number.adjusted()) > MAX_NUMBER_LENGTH:  # 1e999999 is short to write, long to compute
        raise ParseError("A number is out of range.")
    return number


def _whole(text: str) -> int:
    _check_length(text)
    return int(text)


def _check_length(text: str) -> None:
    if len(text) > MAX_NUMBER_LENGTH:
        raise ParseError(f"A number has more than {MAX_NUMBER_LENGTH} characters.")


def _check_values(value: Any, *, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ParseError(f"The body is nested deeper than {MAX_DEPTH}.")
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict):
        for name, inner in value.items():
            _check_text(name)
            _check_values(inner, depth=depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check_values(inner, depth=depth + 1)


def _check_text(text: str) -> None:
    if found := _UNSTORABLE.search(text):
        kind = "NUL characters" if found.group() == "\x00" else "lone surrogates"
        raise ParseError(f"Text must not contain {kind}.")


def _printable(name: str) -> str:
    return ascii(name[:60])
