"""Ids that come out differently when a request is run again.

A ticket's number comes from a sequence, which no rollback takes back; another installation
draws all its ids itself. Later requests name what earlier ones made, so they are sent with
the id of this time.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from audit.envelopes import Envelope

_ID = re.compile(rb"(?<![0-9A-Za-z])[A-Za-z]+[_-][0-9A-Za-z]+(?![0-9A-Za-z])")


@dataclass(slots=True)
class Renames:
    """The id of this time for each id of then that came out differently."""

    ids: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.ids)

    def learn(self, then: bytes, now: bytes, *, names: Iterable[str], request: Envelope) -> bool:
        """Take new ids from these members of two answers; say whether there were any.

        The answers are in the form that the trail keeps. An id that the request itself named
        is not new: that it came back as another one is a difference.
        """
        before, after = _members(then), _members(now)
        asked = request.target.encode() + b" " + request.body
        known = {found.decode() for found in _ID.findall(asked)}
        new = {
            before[name]: after[name]
            for name in names
            if isinstance(before.get(name), str)
            and isinstance(after.get(name), str)
            and before[name] != after[name]
            and before[name] not in known
        }
        self.ids.update(new)
        return bool(new)

    def applied(self, text: str) -> str:
        """Return the text with the ids of this time."""
        return self._in_bytes(text.encode()).decode() if self.ids else text

    def sent(self, envelope: Envelope) -> Envelope:
        """Return the request with the ids of this time, in its target and its body."""
        if not self.ids:
            return envelope
        return replace(
            envelope, target=self.applied(envelope.target), body=self._in_bytes(envelope.body)
        )

    def _in_bytes(self, text: bytes) -> bytes:
        return _ID.sub(self._of_this_time, text)

    def _of_this_time(self, found: re.Match[bytes]) -> bytes:
        id_then = found[0].decode()
        return self.ids.get(id_then, id_then).encode()


def _members(form: bytes) -> Mapping[str, Any]:
    body = json.loads(form).get("body") if form else None
    return body if isinstance(body, Mapping) else {}
