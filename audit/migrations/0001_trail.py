"""The partitioned tables of the trail, its proofs and their guards; audit.months adds months."""

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models

from audit import months
from cs_integrations.database import partitions
from cs_integrations.database.roles import APPLICATION_ROLE

TABLES = f"""
-- The columns of canonical.COLUMNS in their order, then the proof's own.
CREATE TABLE audit_record (
    record_format smallint NOT NULL,
    id uuid PRIMARY KEY,
    received_at timestamptz NOT NULL,
    answered_at timestamptz NOT NULL,
    body_sha256 bytea NOT NULL,
    status smallint NOT NULL,
    request_bytes integer NOT NULL,
    request_sha256 bytea NOT NULL,
    response_bytes integer NOT NULL,
    response_sha256 bytea NOT NULL,
    is_streamed boolean NOT NULL,
    client_id text NOT NULL,
    client_name text NOT NULL,
    staff_user text NOT NULL,
    scopes_held text NOT NULL,
    scope_needed text NOT NULL,
    decision text NOT NULL,
    domain text NOT NULL,
    operation text NOT NULL,
    route text NOT NULL,
    method text NOT NULL,
    path text NOT NULL,
    query text NOT NULL,
    customer_id text NOT NULL,
    object_ids text[] NOT NULL,
    problem_type text NOT NULL,
    limit_policy text NOT NULL,
    limit_remaining integer,
    idempotency_key text NOT NULL,
    idempotency_outcome text NOT NULL,
    address text NOT NULL,
    user_agent text NOT NULL,
    client_request_id text NOT NULL,
    traceparent text NOT NULL,
    code_version text NOT NULL,
    replay_of uuid,
    replay_batch text NOT NULL,
    replay_mode text NOT NULL,
    replay_operator text NOT NULL,
    mac_key text NOT NULL,
    mac bytea NOT NULL CHECK (octet_length(mac) = 32),
    xact bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint
) PARTITION BY RANGE (id);

-- audit.proof.sealing: committed records in the order of their transactions.
CREATE INDEX audit_record_xact ON audit_record (xact, id);
-- GET /audit/ of one client: its own records, or ?client_id=.
CREATE INDEX audit_record_client ON audit_record (client_id, id DESC);
-- GET /audit/?customer_id=, newest first.
CREATE INDEX audit_record_customer ON audit_record (customer_id, id DESC)
    WHERE customer_id <> '';
-- GET /audit/?status=4xx, ?status=503, ?problem_type=: refusals are few.
CREATE INDEX audit_record_refused ON audit_record (id DESC) WHERE status >= 400;
-- GET /audit/?idempotency_key=.
CREATE INDEX audit_record_key ON audit_record (idempotency_key, id DESC)
    WHERE idempotency_key <> '';
-- GET /audit/?replay_batch=.
CREATE INDEX audit_record_replay_batch ON audit_record (replay_batch, id DESC)
    WHERE replay_batch <> '';
-- The replays of one record.
CREATE INDEX audit_record_replay_of ON audit_record (replay_of) WHERE replay_of IS NOT NULL;
-- The admin's search for the id of any object.
CREATE INDEX audit_record_objects ON audit_record USING gin (object_ids);

CREATE TABLE audit_body (
    id uuid PRIMARY KEY,
    request bytea NOT NULL,
    response bytea NOT NULL,
    sealed_request bytea NOT NULL,
    data_key uuid,
    omitted text NOT NULL
) PARTITION BY RANGE (id);
ALTER TABLE audit_body ALTER sealed_request SET STORAGE EXTERNAL; -- ciphertext does not shrink

CREATE TABLE audit_data_key (
    id uuid PRIMARY KEY,
    client_id text NOT NULL,
    month date NOT NULL,
    wrapped bytea,
    created_at timestamptz NOT NULL,
    destroyed_at timestamptz,
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
);
-- One live key for each client and month; a destroyed one may be followed by another.
CREATE UNIQUE INDEX audit_data_key_live ON audit_data_key (client_id, month)
    WHERE wrapped IS NOT NULL;

CREATE TABLE audit_batch (
    number bigint PRIMARY KEY,
    records integer NOT NULL,
    total bigint NOT NULL,
    root bytea NOT NULL,
    previous bytea NOT NULL,
    sealed_at timestamptz NOT NULL,
    key_id text NOT NULL,
    checkpoint text NOT NULL,
    signature bytea NOT NULL,
    leaves bytea NOT NULL,
    first_id uuid NOT NULL,
    last_id uuid NOT NULL,
    end_xact bigint NOT NULL,
    end_id uuid NOT NULL
);
ALTER TABLE audit_batch ALTER leaves SET STORAGE EXTERNAL; -- hashes do not shrink
-- The batch of one record, by its place in the order of sealing.
CREATE INDEX audit_batch_end ON audit_batch (end_xact, end_id);
-- The batches that may hold records of a range of ids.
CREATE INDEX audit_batch_ids ON audit_batch (last_id, first_id);

CREATE TABLE audit_tombstone (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_name text NOT NULL,
    month date NOT NULL,
    records bigint NOT NULL,
    digest bytea NOT NULL,
    key_id text NOT NULL,
    text text NOT NULL,
    signature bytea NOT NULL,
    dropped_at timestamptz NOT NULL,
    UNIQUE (table_name, month)
);

CREATE TABLE audit_legal_hold (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    month date,
    reason text NOT NULL,
    placed_by text NOT NULL,
    placed_at timestamptz NOT NULL,
    released_by text NOT NULL DEFAULT '',
    released_at timestamptz
);

CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail only grows: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;
"""

GROWING = ("audit_record", "audit_body", "audit_batch", "audit_tombstone")
GUARDS = "".join(
    f"""
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION audit_only_grows();
CREATE TRIGGER only_grows_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows();
"""
    for table in GROWING
)
# The serving role writes records, bodies, data keys and batches; tombstones, holds and the
# destruction of data keys are the owner's.
GRANTS = f"""
REVOKE ALL ON audit_record, audit_body, audit_data_key, audit_batch, audit_tombstone,
    audit_legal_hold FROM {APPLICATION_ROLE};
GRANT SELECT, INSERT ON audit_record, audit_body, audit_data_key, audit_batch
    TO {APPLICATION_ROLE};
GRANT SELECT ON audit_tombstone, audit_legal_hold TO {APPLICATION_ROLE};
"""


def make_defaults(apps, schema_editor):
    for table in months.TABLES:
        schema_editor.execute(partitions.create_default(table))


class Migration(migrations.Migration):
    initial = True
    dependencies = []

    operations = [
        migrations.RunSQL(
            TABLES + GUARDS + GRANTS,
            "DROP TABLE audit_record, audit_body, audit_data_key, audit_batch, audit_tombstone,"
            " audit_legal_hold; DROP FUNCTION audit_only_grows();",
        ),
        migrations.RunPython(make_defaults, migrations.RunPython.noop),
        migrations.CreateModel(
            name="AuditBatch",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("records", models.IntegerField()),
                ("total", models.BigIntegerField()),
                ("root", models.BinaryField(max_length=32)),
                ("previous", models.BinaryField(max_length=32)),
                ("sealed_at", models.DateTimeField()),
                ("key_id", models.TextField()),
                ("checkpoint", models.TextField()),
                ("signature", models.BinaryField(max_length=64)),
                ("leaves", models.BinaryField()),
                ("first_id", models.UUIDField()),
                ("last_id", models.UUIDField()),
                ("end_xact", models.BigIntegerField()),
                ("end_id", models.UUIDField()),
            ],
            options={
                "verbose_name_plural": "audit batches",
                "db_table": "audit_batch",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="AuditBody",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("request", models.BinaryField()),
                ("response", models.BinaryField()),
                ("sealed_request", models.BinaryField()),
                ("data_key", models.UUIDField(null=True)),
                ("omitted", models.TextField(blank=True)),
            ],
            options={
                "verbose_name_plural": "audit bodies",
                "db_table": "audit_body",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="AuditRecord",
            fields=[
                ("record_format", models.PositiveSmallIntegerField()),
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("received_at", models.DateTimeField()),
                ("answered_at", models.DateTimeField()),
                ("body_sha256", models.BinaryField()),
                ("status", models.PositiveSmallIntegerField()),
                ("request_bytes", models.PositiveIntegerField()),
                ("request_sha256", models.BinaryField(max_length=32)),
                ("response_bytes", models.PositiveIntegerField()),
                ("response_sha256", models.BinaryField(max_length=32)),
                ("is_streamed", models.BooleanField()),
                ("client_id", models.TextField(blank=True)),
                ("client_name", models.TextField(blank=True)),
                ("staff_user", models.TextField(blank=True)),
                ("scopes_held", models.TextField(blank=True)),
                ("scope_needed", models.TextField(blank=True)),
                ("decision", models.TextField()),
                ("domain", models.TextField(blank=True)),
                ("operation", models.TextField(blank=True)),
                ("route", models.TextField(blank=True)),
                ("method", models.TextField()),
                ("path", models.TextField()),
                ("query", models.TextField(blank=True)),
                ("customer_id", models.TextField(blank=True)),
                ("object_ids", ArrayField(base_field=models.TextField(), size=None)),
                ("problem_type", models.TextField(blank=True)),
                ("limit_policy", models.TextField(blank=True)),
                ("limit_remaining", models.IntegerField(null=True)),
                ("idempotency_key", models.TextField(blank=True)),
                ("idempotency_outcome", models.TextField(blank=True)),
                ("address", models.TextField(blank=True)),
                ("user_agent", models.TextField(blank=True)),
                ("client_request_id", models.TextField(blank=True)),
                ("traceparent", models.TextField(blank=True)),
                ("code_version", models.TextField()),
                ("replay_of", models.UUIDField(null=True)),
                ("replay_batch", models.TextField(blank=True)),
                ("replay_mode", models.TextField(blank=True)),
                ("replay_operator", models.TextField(blank=True)),
                ("mac_key", models.TextField()),
                ("mac", models.BinaryField(max_length=32)),
                ("xact", models.BigIntegerField()),
            ],
            options={
                "db_table": "audit_record",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="DataKey",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("client_id", models.TextField()),
                ("month", models.DateField()),
                ("wrapped", models.BinaryField(null=True)),
                ("created_at", models.DateTimeField()),
                ("destroyed_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "audit_data_key",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="LegalHold",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("month", models.DateField(null=True)),
                ("reason", models.TextField()),
                ("placed_by", models.TextField()),
                ("placed_at", models.DateTimeField()),
                ("released_by", models.TextField(blank=True)),
                ("released_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "audit_legal_hold",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Tombstone",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("table_name", models.TextField()),
                ("month", models.DateField()),
                ("records", models.BigIntegerField()),
                ("digest", models.BinaryField(max_length=32)),
                ("key_id", models.TextField()),
                ("text", models.TextField()),
                ("signature", models.BinaryField(max_length=64)),
                ("dropped_at", models.DateTimeField()),
            ],
            options={
                "db_table": "audit_tombstone",
                "managed": False,
            },
        ),
    ]
