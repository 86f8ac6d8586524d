"""The request as this service reads it: in UTF-8, whatever its Content-Type says."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import BadRequest
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters

_UTF_8 = frozenset({"utf-8", "utf8"})


class HubRequest(WSGIRequest):
    """A request whose ``content_type`` is ``None`` when that header cannot be read.

    Django decodes the query by the charset of the Content-Type, and does so before the first
    middleware: a charset that is no text encoding would fail where nothing records it.
    """

    def _set_content_type_params(self, meta: Mapping[str, Any]) -> None:
        try:
            self.content_type, self.content_params = parse_header_parameters(
                meta.get("CONTENT_TYPE", "")
            )
        except Exception:  # noqa: BLE001 - the parser behind it documents no errors
            self.content_type, self.content_params = None, {}

    def _load_post_and_files(self) -> None:
        if not is_utf8(self.content_params or {}):
            raise BadRequest("A form is UTF-8.")
        super()._load_post_and_files()


class HubHandler(WSGIHandler):
    request_class = HubRequest


def is_utf8(content_params: Mapping[str, str]) -> bool:
    """Say whether the parameters of a Content-Type leave its body UTF-8."""
    return content_params.get("charset", "utf-8").lower() in _UTF_8
