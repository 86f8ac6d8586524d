"""Reading the trail over the API."""

from collections.abc import Mapping
from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from audit.reading import filters, paging, queries
from audit.reading.exporting import Format, export
from audit.reading.filters import InvalidFilter, RecordFilter
from audit.serializers import AuditRecordOut, AuditRecordsOut
from cs_integrations.api.context import ClientPrincipal, context_of
from cs_integrations.api.permissions import OwnRecords
from cs_integrations.api.rendering import JSONRenderer
from cs_integrations.api.schema import operation
from cs_integrations.api.viewsets import HubViewSet

ALL_RECORDS_SCOPE = "cs-audit.read"
PROOF, FORMAT = "proof", "format"
PROOF_PARAMETER = OpenApiParameter(
    PROOF, bool, description="Verify the record: add the members `proof` and `receipt`."
)
FORMAT_PARAMETER = OpenApiParameter(
    FORMAT,
    enum=[form.value for form in Format],
    default=Format.NDJSON.value,
    description="`ndjson`: a line for each record, with header and footer; `csv`: for tables.",
)
CURSOR_PARAMETER = OpenApiParameter(
    paging.CURSOR, description="`next_cursor` of the page before; without it, the newest."
)
LIMIT_PARAMETER = OpenApiParameter(
    name=paging.LIMIT,
    type={
        "type": "integer",
        "minimum": 1,
        "maximum": paging.MAX_LIMIT,
        "default": paging.DEFAULT_LIMIT,
    },
    description="Records a page.",
)
FILTER_PARAMETERS = [
    OpenApiParameter(parameter.name, description=parameter.description)
    for parameter in filters.PARAMETERS
]


class TrailViewSet(HubViewSet):
    """A client sees its own records; with ``cs-audit.read`` it sees all."""

    domain = "audit"
    keeps_answers = False
    permission_classes = (OwnRecords,)
    documented_scopes = ()


class AuditRecordViewSet(TrailViewSet):
    query_parameters = (PROOF,)

    @operation(
        "audit_record",
        summary="Read one audit record",
        answer=AuditRecordOut,
        parameters=[PROOF_PARAMETER],
    )
    def retrieve(self, request: Request, request_id: str) -> Response:
        """Return the record of one request; another client's takes the scope cs-audit.read."""
        outcome = queries.record(
            request_id=request_id,
            **_reader(request),
            with_proof=_wants_proof(request),
        )
        return self.answer(request, outcome)


class AuditRecordsViewSet(TrailViewSet):
    query_parameters = (*filters.NAMES, paging.CURSOR, paging.LIMIT)

    @operation(
        "audit_records",
        summary="Find audit records",
        answer=AuditRecordsOut,
        parameters=[*FILTER_PARAMETERS, CURSOR_PARAMETER, LIMIT_PARAMETER],
    )
    def search(self, request: Request) -> Response:
        """Return a page of records, newest first; those of other clients take cs-audit.read."""
        place = _parameters(request, paging.CURSOR, paging.LIMIT)
        outcome = queries.records(
            selection=_selection(request),
            **_reader(request),
            after=paging.place_of(place[paging.CURSOR]) if paging.CURSOR in place else None,
            limit=paging.limit_of(place.get(paging.LIMIT, str(paging.DEFAULT_LIMIT))),
        )
        return self.answer(request, outcome)


class StreamedRenderer(BaseRenderer):
    """Stands for a media type when the answer's form is agreed on; the view itself streams."""

    charset = None

    def render(self, data: Any, *_: Any, **__: Any) -> bytes:
        raise NotImplementedError


class NdjsonRenderer(StreamedRenderer):
    media_type = Format.NDJSON.media_type
    format = Format.NDJSON.value


class CsvRenderer(StreamedRenderer):
    media_type = Format.CSV.media_type
    format = Format.CSV.value


class AuditExportViewSet(TrailViewSet):
    query_parameters = (*filters.NAMES, FORMAT)
    renderer_classes = (JSONRenderer, NdjsonRenderer, CsvRenderer)

    @operation(
        "audit_export",
        summary="Export audit records with their proofs",
        streams=[form.media_type for form in Format],
        parameters=[*FILTER_PARAMETERS, FORMAT_PARAMETER],
    )
    def stream(self, request: Request) -> StreamingHttpResponse:
        """Stream the records, oldest first; those of other clients take cs-audit.read.

        Each comes with its bytes as they were sealed and the receipt that proves them.
        """
        form = _form(request)
        exported = export(
            _selection(request), form=form, at=self.at, visible=queries.readable(**_reader(request))
        )
        response = StreamingHttpResponse(exported, content_type=form.media_type)
        name = f"audit-{self.at:%Y%m%dT%H%M%SZ}.{form.value}"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response


def _reader(request: Request) -> dict[str, Any]:
    """Return who reads, and whether that is limited to its own records."""
    client: ClientPrincipal | None = context_of(request).client
    if client is None:  # no permission class of ours lets anybody else in
        return {"client_id": "", "may_see_all": False}
    return {"client_id": client.client_id, "may_see_all": ALL_RECORDS_SCOPE in client.scopes}


def _wants_proof(request: Request) -> bool:
    text = _parameters(request, PROOF).get(PROOF, "false")
    if text not in ("true", "false"):
        raise InvalidFilter(PROOF, "boolean", "proof must be true or false.")
    return text == "true"


def _selection(request: Request) -> RecordFilter:
    return RecordFilter.from_parameters(_parameters(request, *filters.NAMES))


def _form(request: Request) -> Format:
    """Return the form that is asked for by name, or else by media type."""
    text = _parameters(request, FORMAT).get(FORMAT)
    accepted = getattr(request, "accepted_renderer", None)
    if text is None and isinstance(accepted, CsvRenderer):
        return Format.CSV
    if text is not None and text not in list(Format):
        raise InvalidFilter(FORMAT, "unknown_code", f"format must be one of: {', '.join(Format)}.")
    return Format.NDJSON if text is None else Format(text)


def _parameters(request: Request, *names: str) -> Mapping[str, str]:
    """Return those of the query's parameters.

    :raises InvalidFilter: one of them is given twice
    """
    for name in names:
        if len(request.query_params.getlist(name)) > 1:
            raise InvalidFilter(name, "repeated", f"{name} is given twice.")
    return {name: request.query_params[name] for name in names if name in request.query_params}
