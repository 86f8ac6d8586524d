"""The trail. The tables are partitioned, so migrations make them in SQL; rows only grow.

There are no foreign keys: a record outlives whatever it speaks of.
"""

from typing import Any, NoReturn

from django.db import models


class TrailIsAppendOnly(RuntimeError):
    """Somebody tried to change the trail through the ORM; the database would refuse it too."""


class AppendOnlyQuerySet(models.QuerySet[Any]):
    def update(self, **_kwargs: Any) -> NoReturn:
        raise TrailIsAppendOnly("audit records are never changed")

    def delete(self) -> NoReturn:
        raise TrailIsAppendOnly("audit records are never deleted one by one")


class AuditRecord(models.Model):
    """One request and its answer. The key is the request id, whose order is that of time."""

    id = models.UUIDField(primary_key=True)
    received_at = models.DateTimeField()
    answered_at = models.DateTimeField()
    client_id = models.TextField(blank=True)
    client_name = models.TextField(blank=True)
    staff_user = models.TextField(blank=True)
    scopes_held = models.TextField(blank=True)  # separated by spaces
    scope_needed = models.TextField(blank=True)
    decision = models.TextField()
    domain = models.TextField(blank=True)
    operation = models.TextField(blank=True)
    route = models.TextField(blank=True)
    method = models.TextField()
    path = models.TextField()  # percent-encoded UTF-8
    query = models.TextField(blank=True)  # declared parameters only
    objects_named = models.JSONField(default=dict)  # public ids by their name
    request_bytes = models.PositiveIntegerField(default=0)
    request_sha256 = models.BinaryField(max_length=32)
    response_bytes = models.PositiveIntegerField(default=0)
    response_sha256 = models.BinaryField(max_length=32)
    is_streamed = models.BooleanField(default=False)  # then length and hash are of nothing
    status = models.PositiveSmallIntegerField()
    problem_type = models.TextField(blank=True)
    limit_policy = models.TextField(blank=True)
    limit_remaining = models.IntegerField(null=True)
    idempotency_key = models.TextField(blank=True)
    idempotency_outcome = models.TextField(blank=True)
    address = models.TextField(blank=True)
    user_agent = models.TextField(blank=True)
    client_request_id = models.TextField(blank=True)  # the caller's own X-Request-ID
    traceparent = models.TextField(blank=True)
    code_version = models.TextField()

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        managed = False  # partitioned; also keeps test flushes away from it
        db_table = "audit_record"

    def __str__(self) -> str:
        return f"{self.id} {self.method} {self.path} {self.status}"

    def save(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TrailIsAppendOnly("audit.recording alone writes records")

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TrailIsAppendOnly("audit records are never deleted one by one")


class AuditBody(models.Model):
    """What may be kept of a request's and an answer's body; kept for less time than the record."""

    id = models.UUIDField(primary_key=True)
    request = models.BinaryField()  # JSON of the members declared as plain
    response = models.BinaryField()  # the answer's exact bytes, of successful API calls

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        managed = False
        verbose_name_plural = "audit bodies"
        db_table = "audit_body"

    def __str__(self) -> str:
        return str(self.id)

    def save(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TrailIsAppendOnly("audit.recording alone writes bodies")

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TrailIsAppendOnly("bodies are dropped with their month")
