"""The trail. The tables are partitioned, so migrations make them in SQL; rows only grow.

There are no foreign keys: a record outlives whatever it speaks of. docs/trail.md says what
each table is for. The two tables of replay are ordinary ones: their rows move on.
"""

from typing import Any, NoReturn, TypeAlias

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from cs_integrations.database.codes import known


class TrailIsAppendOnly(RuntimeError):
    """Somebody tried to change the trail through the ORM; the database would refuse it too."""


class AppendOnlyQuerySet(models.QuerySet[Any]):
    def update(self, **_kwargs: Any) -> NoReturn:
        raise TrailIsAppendOnly("the trail is never changed")

    def delete(self) -> NoReturn:
        raise TrailIsAppendOnly("the trail is dropped in whole months only")


class TrailModel(models.Model):
    """A table of the trail: made in SQL, read through the ORM, written by its own module."""

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True
        managed = False  # also keeps test flushes away from it

    def save(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TrailIsAppendOnly("the trail is not written through the ORM")

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TrailIsAppendOnly("the trail is dropped in whole months only")


class AuditRecord(TrailModel):
    """One request and its answer. The key is the request id, whose order is that of time."""

    record_format = models.PositiveSmallIntegerField()
    id = models.UUIDField(primary_key=True)
    received_at = models.DateTimeField()
    answered_at = models.DateTimeField()
    body_sha256 = models.BinaryField()  # of the row in audit_body; empty when there is none
    status = models.PositiveSmallIntegerField()
    request_bytes = models.PositiveIntegerField()
    request_sha256 = models.BinaryField(max_length=32)
    response_bytes = models.PositiveIntegerField()
    response_sha256 = models.BinaryField(max_length=32)
    is_streamed = models.BooleanField()  # then length and hash are of nothing
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
    customer_id = models.TextField(blank=True)  # whom it is about, named or not
    object_ids = ArrayField(models.TextField())  # public ids that it names
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
    replay_of = models.UUIDField(null=True)
    replay_batch = models.TextField(blank=True)
    replay_mode = models.TextField(blank=True)
    replay_operator = models.TextField(blank=True)
    mac_key = models.TextField()
    mac = models.BinaryField(max_length=32)
    xact = models.BigIntegerField()  # of the inserting transaction: the order of sealing

    class Meta(TrailModel.Meta):
        db_table = "audit_record"

    def __str__(self) -> str:
        return f"{self.id} {self.method} {self.path} {self.status}"


class AuditBody(TrailModel):
    """What is kept of a request's and an answer's body; for less time than the record."""

    id = models.UUIDField(primary_key=True)
    request = models.BinaryField()  # JSON of what the serializer declares plain or hashed
    response = models.BinaryField()  # the same of the answer, and its headers
    sealed_request = models.BinaryField()  # the exact request, encrypted
    data_key = models.UUIDField(null=True)  # which key it is encrypted with
    omitted = models.TextField(blank=True)  # what was left out, and why

    class Meta(TrailModel.Meta):
        verbose_name_plural = "audit bodies"
        db_table = "audit_body"

    def __str__(self) -> str:
        return str(self.id)


class DataKey(TrailModel):
    """The key of one client's exact requests in one month; destroyed, they are noise."""

    id = models.UUIDField(primary_key=True)
    client_id = models.TextField()
    month = models.DateField()
    wrapped = models.BinaryField(null=True)  # under the master key; null once destroyed
    created_at = models.DateTimeField()
    destroyed_at = models.DateTimeField(null=True)

    class Meta(TrailModel.Meta):
        db_table = "audit_data_key"

    def __str__(self) -> str:
        return f"{self.client_id} {self.month:%Y-%m}"


class AuditBatch(TrailModel):
    """Up to 8,192 records sealed together: a Merkle tree and its signed checkpoint."""

    number = models.BigIntegerField(primary_key=True)  # from 1, without gaps
    records = models.IntegerField()
    total = models.BigIntegerField()  # records of this and all earlier batches
    root = models.BinaryField(max_length=32)
    previous = models.BinaryField(max_length=32)  # SHA-256 of the previous checkpoint's text
    sealed_at = models.DateTimeField()
    key_id = models.TextField()
    checkpoint = models.TextField()  # the text that is signed: it decides
    signature = models.BinaryField(max_length=64)
    leaves = models.BinaryField()  # id and leaf hash of each record, in the order of sealing
    first_id = models.UUIDField()  # the smallest and the largest id
    last_id = models.UUIDField()
    end_xact = models.BigIntegerField()  # of the last record in the order of sealing
    end_id = models.UUIDField()

    class Meta(TrailModel.Meta):
        verbose_name_plural = "audit batches"
        db_table = "audit_batch"

    def __str__(self) -> str:
        return f"batch {self.number}"


class Tombstone(TrailModel):
    """What stood in a month that was dropped, signed."""

    id = models.BigIntegerField(primary_key=True)
    table_name = models.TextField()
    month = models.DateField()
    records = models.BigIntegerField()
    digest = models.BinaryField(max_length=32)
    key_id = models.TextField()
    text = models.TextField()  # the text that is signed: it decides
    signature = models.BinaryField(max_length=64)
    dropped_at = models.DateTimeField()

    class Meta(TrailModel.Meta):
        db_table = "audit_tombstone"

    def __str__(self) -> str:
        return f"{self.table_name} {self.month:%Y-%m}"


class LegalHold(TrailModel):
    """A reason to keep a month, or all months, beyond their time."""

    id = models.BigIntegerField(primary_key=True)
    month = models.DateField(null=True)  # null: all months
    reason = models.TextField()
    placed_by = models.TextField()
    placed_at = models.DateTimeField()
    released_by = models.TextField(blank=True)
    released_at = models.DateTimeField(null=True)

    class Meta(TrailModel.Meta):
        db_table = "audit_legal_hold"

    def __str__(self) -> str:
        return f"{self.month or 'all months'}: {self.reason}"


class ReplayMode(models.TextChoices):
    VERIFY = "verify", "Verify"
    SHADOW = "shadow", "Shadow"
    EXECUTE = "execute", "Execute"


class ReplayBatchState(models.TextChoices):
    PLANNED = "planned", "Planned"  # stored, nothing ran yet
    RUNNING = "running", "Running"  # or killed while it ran
    STOPPED = "stopped", "Stopped"  # items are left; it can be resumed
    FINISHED = "finished", "Finished"
    CANCELLED = "cancelled", "Cancelled"


class ReplayItemState(models.TextChoices):
    PENDING = "pending", "Pending"
    DONE = "done", "Done"  # answered below 400
    FAILED = "failed", "Failed"  # answered with 400 or above
    REFUSED = "refused", "Refused"  # could not be sent; the reason says why
    SKIPPED = "skipped", "Skipped"  # need not be sent


class ReplayBatch(models.Model):
    """One replay that an operator ran: what was chosen, under which plan, how far it came."""

    Mode: TypeAlias = ReplayMode
    State: TypeAlias = ReplayBatchState

    name = models.CharField(max_length=64, unique=True)
    mode = models.CharField(max_length=8, choices=Mode)
    state = models.CharField(max_length=9, choices=State, default=State.PLANNED)
    filters = models.JSONField(default=dict, blank=True)  # as given, by their names in the API
    options = models.JSONField(default=dict, blank=True)
    plan_hash = models.CharField(max_length=64)
    operator = models.TextField()
    target = models.TextField(blank=True)  # the base URL of a shadow
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "audit_replay_batch"
        verbose_name_plural = "replay batches"
        constraints = (known("mode", ReplayMode), known("state", ReplayBatchState))

    def __str__(self) -> str:
        return f"{self.name} {self.mode}"


class ReplayItem(models.Model):
    """One record of a batch. It is settled once, in the transaction of its effect."""

    State: TypeAlias = ReplayItemState

    batch = models.ForeignKey(ReplayBatch, on_delete=models.PROTECT, related_name="items")
    position = models.PositiveIntegerField()  # in the order of arrival, from 0
    record_id = models.UUIDField()
    operation = models.TextField(blank=True)
    lane = models.TextField(blank=True)  # the customer's public id; empty: about none
    state = models.CharField(max_length=7, choices=State, default=State.PENDING)
    reason = models.TextField(blank=True)
    original_status = models.PositiveSmallIntegerField()
    status = models.PositiveSmallIntegerField(null=True)
    request_id = models.UUIDField(null=True)  # of its own audit record
    differences = models.JSONField(default=list, blank=True)
    is_final = models.BooleanField(default=False)  # it succeeded for good, and not --again
    settled_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "audit_replay_item"
        constraints = (
            known("state", ReplayItemState),
            models.UniqueConstraint(
                name="audit_replay_item_once_a_batch", fields=["batch", "record_id"]
            ),
            # Whatever two batches do at once: no request succeeds twice by replay.
            models.UniqueConstraint(
                name="audit_replay_item_final", fields=["record_id"], condition=Q(is_final=True)
            ),
            models.CheckConstraint(
                name="audit_replay_item_settled_has_time",
                condition=Q(state="pending", settled_at__isnull=True)
                | (~Q(state="pending") & Q(settled_at__isnull=False)),
            ),
        )
        indexes = (
            # What is left of a batch; its items in order.
            models.Index(fields=["batch", "state", "position"], name="audit_replay_item_left"),
            # Whether a record succeeded in an earlier replay.
            models.Index(
                fields=["record_id"], name="audit_replay_item_done", condition=Q(state="done")
            ),
        )

    def __str__(self) -> str:
        return f"{self.position} {self.record_id} {self.state}"
