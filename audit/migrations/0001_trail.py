"""The partitioned tables of the trail, their guards, and the first months."""

from django.db import migrations, models

from audit import months
from cs_integrations.database import partitions
from cs_integrations.database.roles import APPLICATION_ROLE

TABLES = f"""
CREATE TABLE audit_record (
    id uuid PRIMARY KEY,
    received_at timestamptz NOT NULL,
    answered_at timestamptz NOT NULL,
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
    objects_named jsonb NOT NULL,
    request_bytes integer NOT NULL,
    request_sha256 bytea NOT NULL,
    response_bytes integer NOT NULL,
    response_sha256 bytea NOT NULL,
    is_streamed boolean NOT NULL,
    status smallint NOT NULL,
    problem_type text NOT NULL,
    limit_policy text NOT NULL,
    limit_remaining integer,
    idempotency_key text NOT NULL,
    idempotency_outcome text NOT NULL,
    address text NOT NULL,
    user_agent text NOT NULL,
    client_request_id text NOT NULL,
    traceparent text NOT NULL,
    code_version text NOT NULL
) PARTITION BY RANGE (id);

-- The newest records of one client: GET /audit/ without cs-audit.read.
CREATE INDEX audit_record_client ON audit_record (client_id, id DESC);

CREATE TABLE audit_body (
    id uuid PRIMARY KEY,
    request bytea NOT NULL,
    response bytea NOT NULL
) PARTITION BY RANGE (id);

CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail only grows: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON audit_record
    FOR EACH ROW EXECUTE FUNCTION audit_only_grows();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON audit_body
    FOR EACH ROW EXECUTE FUNCTION audit_only_grows();
CREATE TRIGGER only_grows_truncate BEFORE TRUNCATE ON audit_record
    FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows();
CREATE TRIGGER only_grows_truncate BEFORE TRUNCATE ON audit_body
    FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows();

REVOKE ALL ON audit_record, audit_body FROM {APPLICATION_ROLE};
GRANT SELECT, INSERT ON audit_record, audit_body TO {APPLICATION_ROLE};
"""


def make_partitions(apps, schema_editor):
    for table in months.TABLES:
        schema_editor.execute(partitions.create_default(table))
    months.make_missing(schema_editor.connection)


class Migration(migrations.Migration):
    initial = True
    dependencies = []

    operations = [
        migrations.RunSQL(
            TABLES,
            "DROP TABLE audit_record, audit_body; DROP FUNCTION audit_only_grows();",
        ),
        migrations.RunPython(make_partitions, migrations.RunPython.noop),
        migrations.CreateModel(
            name="AuditBody",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("request", models.BinaryField()),
                ("response", models.BinaryField()),
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
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("received_at", models.DateTimeField()),
                ("answered_at", models.DateTimeField()),
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
                ("objects_named", models.JSONField(default=dict)),
                ("request_bytes", models.PositiveIntegerField(default=0)),
                ("request_sha256", models.BinaryField(max_length=32)),
                ("response_bytes", models.PositiveIntegerField(default=0)),
                ("response_sha256", models.BinaryField(max_length=32)),
                ("is_streamed", models.BooleanField(default=False)),
                ("status", models.PositiveSmallIntegerField()),
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
            ],
            options={
                "db_table": "audit_record",
                "managed": False,
            },
        ),
    ]
