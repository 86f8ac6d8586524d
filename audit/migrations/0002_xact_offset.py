"""Places in the order of sealing that go on where they were when a server counts anew."""

from django.db import migrations

# audit.proof.sealing.seal_after_restore replaces the function. STABLE, not IMMUTABLE: prepared
# statements hold no copy of its value that would outlive the replacement.
OFFSET = """
CREATE FUNCTION audit_xact_offset() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT 0::bigint';
ALTER TABLE audit_record
    ALTER xact SET DEFAULT pg_current_xact_id()::text::bigint + audit_xact_offset();
"""
WITHOUT = """
ALTER TABLE audit_record ALTER xact SET DEFAULT pg_current_xact_id()::text::bigint;
DROP FUNCTION audit_xact_offset();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_trail")]
    operations = [migrations.RunSQL(OFFSET, WITHOUT)]
