"""One request, sent again inside this process through the whole stack."""

from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.http import HttpResponseBase

from audit.envelopes import Envelope
from cs_integrations.api.admission import REPLAY
from cs_integrations.api.context import Replay, RequestContext, context_of
from cs_integrations.api.requests import HubHandler, HubRequest


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer, and what became known of the request on its way."""

    response: HttpResponseBase
    context: RequestContext


def call(envelope: Envelope, *, method: str, replay: Replay) -> Answered:
    """Send a request through every middleware and view, as the server would, without a token.

    It runs on the caller's database connection, in the transaction that is open there, if any.
    """
    request = HubRequest(_environ(envelope, method, replay))
    response = _handler().get_response(request)
    return Answered(response, context_of(request))


@cache
def _handler() -> HubHandler:
    return HubHandler()


def _environ(envelope: Envelope, method: str, replay: Replay) -> dict[str, Any]:
    path, _, query = envelope.target.partition("?")
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        # A WSGI path is the bytes that were sent, each as one character.
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": _host(),
        "SERVER_PORT": str(settings.PORT),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "",
        "CONTENT_TYPE": envelope.content_type,
        "CONTENT_LENGTH": str(len(envelope.body)),
        "HTTP_ACCEPT": envelope.accept,
        "HTTP_IDEMPOTENCY_KEY": envelope.idempotency_key,
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(envelope.body),
        REPLAY: replay,
    }
    absent = {name for name in ("HTTP_ACCEPT", "HTTP_IDEMPOTENCY_KEY") if not environ[name]}
    return {name: value for name, value in environ.items() if name not in absent}


def _host() -> str:
    """Return a host that the settings allow: no answer depends on which."""
    first = next(iter(settings.ALLOWED_HOSTS), "localhost")
    return "localhost" if first == "*" else first.lstrip(".")
