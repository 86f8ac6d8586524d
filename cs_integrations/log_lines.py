"""Log lines without anything that a caller sent.

The framework's own lines quote paths, origins and referers; the messages of exceptions quote
values. A line names the request by its id instead, and the trail tells the rest.
"""

import logging
import traceback
from contextlib import suppress
from copy import copy
from types import TracebackType
from typing import TypeAlias

from django.http import HttpRequest

from cs_integrations.api.context import context_of

ExcInfo: TypeAlias = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)


class LineFormatter(logging.Formatter):
    """Formats what is logged about a request as its status and id, and failures as their place."""

    def format(self, record: logging.LogRecord) -> str:
        line = copy(record)
        line.exc_text = None  # another handler's, with the message in it
        request = getattr(record, "request", None)
        if isinstance(request, HttpRequest):
            line.msg, line.args = "status=%s", (getattr(record, "status_code", "-"),)
            with suppress(AttributeError):  # it failed before it got its context
                line.msg, line.args = (
                    f"{line.msg} request_id=%s",
                    (*line.args, context_of(request).request_id),
                )
        return super().format(line)

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - the base's name
        """Return where it was raised and the types of it and of its causes."""
        lines = []
        failure = ei[1]
        while failure is not None:
            lines += [*traceback.format_tb(failure.__traceback__), f"{_name(failure)}\n"]
            failure = failure.__cause__ or failure.__context__
        return "".join(lines).rstrip("\n")


def _name(failure: BaseException) -> str:
    return f"{type(failure).__module__}.{type(failure).__qualname__}"
