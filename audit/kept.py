"""What the trail keeps of a request's and an answer's body: one row of ``audit_body``."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from audit import bodies, canonical, data_keys, envelopes, keys, redaction
from audit.envelopes import Envelope
from cs_integrations.api import idempotency
from cs_integrations.api.context import ClientPrincipal, RequestContext

MAX_KEPT_BYTES = 64 * 1024  # of each of the three forms
API_PREFIX = settings.API_BASE + "/"
AUDIT_DOMAIN = "audit"  # nobody replays a look at the trail
MAX_TOLD_LENGTH = 300  # of a target that the record surely holds whole
_USUAL_ACCEPTS = frozenset({"", "*/*", "application/json"})


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyRow:
    """A row of ``audit_body``, but for its id; docs/trail.md says what each part is."""

    request: bytes
    response: bytes
    sealed_request: bytes
    data_key: UUID | None
    omitted: str

    @property
    def sha256(self) -> bytes:
        """What the record holds of this row."""
        form = canonical.body_bytes(
            self.request, self.response, self.sealed_request, self.data_key, self.omitted
        )
        return hashlib.sha256(form).digest()


def body_row(
    request: HttpRequest,
    response: HttpResponseBase,
    context: RequestContext,
    *,
    secrets: Sequence[str],
) -> BodyRow | None:
    """Return what may be kept of the two bodies; None when that is nothing."""
    omitted: list[str] = []
    request_form = bodies.kept_request(context, digest=keys.keyed_digest, secrets=secrets)
    answer_form = bodies.kept_response(context, response, digest=keys.keyed_digest)
    redacted_request = _bounded("request", request_form, omitted)
    redacted_response = _bounded("answer", answer_form, omitted)
    envelope = _envelope(request, context, secrets, omitted)
    sealed, data_key = b"", None
    if envelope is not None and context.client is not None:
        sealed, data_key = _sealed(envelope, context, context.client)
    if not (redacted_request or redacted_response or sealed or omitted):
        return None
    return BodyRow(
        request=redacted_request,
        response=redacted_response,
        sealed_request=sealed,
        data_key=data_key,
        omitted="; ".join(omitted),
    )


def _bounded(name: str, form: bytes, omitted: list[str]) -> bytes:
    if len(form) <= MAX_KEPT_BYTES:
        return form
    omitted.append(f"{name}: over {MAX_KEPT_BYTES // 1024} KB")
    return b""


def _envelope(
    request: HttpRequest, context: RequestContext, secrets: Sequence[str], omitted: list[str]
) -> Envelope | None:
    """Return the exact request, if a replay could need more of it than the record has."""
    path = request.path_info
    is_replayable = path.startswith(API_PREFIX) and context.domain != AUDIT_DOMAIN
    if context.client is None or context.replay is not None or not is_replayable:
        return None
    envelope = Envelope(
        target=_target(request),
        content_type=request.META.get("CONTENT_TYPE", ""),
        accept=request.META.get("HTTP_ACCEPT", ""),
        # As it came, and also where the request was refused before its key was looked at.
        idempotency_key=request.headers.get(idempotency.HEADER, ""),
        body=getattr(request, "_body", b""),
    )
    if _is_told_by_the_record(request, context, envelope):
        return None
    if len(envelope.body) + len(envelope.target) > MAX_KEPT_BYTES:
        omitted.append(f"exact request: over {MAX_KEPT_BYTES // 1024} KB")
        return None
    texts = (envelope.target, envelope.idempotency_key)
    if any(
        secret.encode() in envelope.body or any(secret in text for text in texts)
        for secret in secrets
    ):
        omitted.append("exact request: holds credentials")
        return None
    return envelope


def _target(request: HttpRequest) -> str:
    query = request.META.get("QUERY_STRING", "")
    path = request.get_full_path_info().partition("?")[0]
    return f"{path}?{query}" if query else path


def _is_told_by_the_record(
    request: HttpRequest, context: RequestContext, envelope: Envelope
) -> bool:
    """Say whether it is a plain read: the record's path and query are all of it."""
    return (
        request.method == "GET"
        and not envelope.body
        and len(envelope.target) <= MAX_TOLD_LENGTH
        and envelope.accept in _USUAL_ACCEPTS
        and redaction.is_recorded_whole(request, declared=context.declared_parameters)
        and context.answer_shape is not None
    )


def _sealed(
    envelope: Envelope, context: RequestContext, client: ClientPrincipal
) -> tuple[bytes, UUID]:
    key = data_keys.current(client_id=client.client_id, at=context.received_at)
    sealed = envelopes.seal(envelope, record_id=context.request_id, key=key.secret)
    return sealed, key.id
