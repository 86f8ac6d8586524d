"""The wire form of audit records."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from cs_integrations.api.serializers import AnswerOut
from cs_integrations.api.trail import EVERYTHING, DeclaredSerializer, Trail

PROOF_STATES = ("sealed", "unsealed", "broken")
_HASH = "SHA-256, in hexadecimal digits."


class RecordOut(DeclaredSerializer):
    """One request and its answer."""

    request_id = serializers.UUIDField()
    received_at = serializers.DateTimeField()
    answered_at = serializers.DateTimeField()
    client_id = serializers.CharField()
    client_name = serializers.CharField()
    staff_user = serializers.CharField()
    scopes_held = serializers.ListField(child=serializers.CharField())
    scope_needed = serializers.CharField()
    decision = serializers.CharField()
    domain = serializers.CharField()
    operation = serializers.CharField()
    route = serializers.CharField()
    method = serializers.CharField()
    path = serializers.CharField(help_text="Percent-encoded UTF-8.")
    query = serializers.CharField(help_text="Declared parameters only.")
    customer_id = serializers.CharField(help_text="Whom it was about, named or not.")
    object_ids = serializers.ListField(child=serializers.CharField())
    request_bytes = serializers.IntegerField()
    request_sha256 = serializers.CharField(help_text=_HASH)
    response_bytes = serializers.IntegerField()
    response_sha256 = serializers.CharField(help_text=_HASH)
    is_streamed = serializers.BooleanField(
        help_text="Then length and hash of the answer are those of nothing."
    )
    status = serializers.IntegerField()
    problem_type = serializers.CharField()
    limit_policy = serializers.CharField()
    limit_remaining = serializers.IntegerField(allow_null=True)
    idempotency_key = serializers.CharField()
    idempotency_outcome = serializers.CharField()
    address = serializers.CharField()
    user_agent = serializers.CharField()
    client_request_id = serializers.CharField()
    traceparent = serializers.CharField()
    code_version = serializers.CharField()
    replay_of = serializers.UUIDField(allow_null=True, help_text="The original of a replay.")
    replay_batch = serializers.CharField()
    replay_mode = serializers.CharField()
    replay_operator = serializers.CharField()
    record_format = serializers.IntegerField()
    body_sha256 = serializers.CharField(
        help_text="Of what is kept of both bodies; empty where nothing is."
    )
    key_id = serializers.CharField(help_text="Which key the record was authenticated with.")

    trail = Trail(dropped=EVERYTHING)  # the trail does not copy itself


@extend_schema_field({
    "type": "object",
    "nullable": True,
    "description": "The proof that it was sealed, null until it is; docs/trail.md says how to"
    " check it. Hash, path and signature are in base64.",
    "properties": {
        "format": {"type": "string"},
        "record_id": {"type": "string", "format": "uuid"},
        "leaf_hash": {"type": "string"},
        "index": {"type": "integer", "minimum": 0},
        "path": {"type": "array", "items": {"type": "string"}},
        "checkpoint": {"type": "string"},
        "signature": {"type": "string"},
    },
    "required": [
        "format", "record_id", "leaf_hash", "index", "path", "checkpoint", "signature",
    ],
    "additionalProperties": False,
})  # fmt: skip
class ReceiptField(serializers.DictField):
    """A receipt; a serializer for it could not say in OpenAPI 3.0 that it may be null."""


class AuditRecordOut(RecordOut, AnswerOut):
    kept_request = serializers.CharField(
        help_text="JSON of the request's members, as they are declared; empty after 90 days."
    )
    kept_response = serializers.CharField(help_text="The same of the answer and its headers.")
    omitted = serializers.CharField(help_text="What was left out of the two, and why.")
    proof = serializers.ChoiceField(choices=PROOF_STATES, required=False)
    receipt = ReceiptField(required=False, allow_null=True)

    trail = Trail(dropped=EVERYTHING)


class AuditRecordsOut(AnswerOut):
    records = RecordOut(many=True)
    next_cursor = serializers.CharField(
        allow_null=True, help_text="Where the next page begins; null on the last."
    )

    trail = Trail(dropped=EVERYTHING)
