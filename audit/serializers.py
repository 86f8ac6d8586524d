"""The wire form of an audit record."""

from rest_framework import serializers

from cs_integrations.api.serializers import AnswerOut


class AuditRecordOut(AnswerOut):
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
    objects = serializers.DictField(child=serializers.CharField())
    request_bytes = serializers.IntegerField()
    request_sha256 = serializers.CharField()
    response_bytes = serializers.IntegerField()
    response_sha256 = serializers.CharField()
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
    kept_request = serializers.CharField(help_text="JSON of the members that may be kept.")
    kept_response = serializers.CharField(help_text="The answer's body, of successful calls.")
