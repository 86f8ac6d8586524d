"""Reading the trail over the API."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from audit import queries
from audit.serializers import AuditRecordOut
from cs_integrations.api.permissions import OwnRecords
from cs_integrations.api.schema import operation
from cs_integrations.api.viewsets import HubViewSet

ALL_RECORDS_SCOPE = "cs-audit.read"


class AuditRecordViewSet(HubViewSet):
    """A client sees its own records; with ``cs-audit.read`` it sees all."""

    domain = "audit"
    keeps_answers = False
    permission_classes = (OwnRecords,)
    documented_scopes = ()

    @operation("audit_record", summary="Read one audit record", answer=AuditRecordOut)
    def retrieve(self, request: Request, request_id: str) -> Response:
        """Return the record of one request; another client's takes the scope cs-audit.read."""
        client: Any = request.user  # a ClientPrincipal; the stubs know users only
        outcome = queries.record(
            request_id=request_id,
            client_id=client.client_id,
            may_see_all=ALL_RECORDS_SCOPE in client.scopes,
        )
        return self.answer(request, outcome)
