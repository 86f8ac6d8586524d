"""The batches of replay and their items; a settled item never changes again."""

import django.db.models.deletion
from django.db import migrations, models

# An item says whether its request ran: whoever could unsettle it could make it run twice.
GUARD = """
CREATE FUNCTION audit_settled_for_ever() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a settled item of a replay never changes: % is refused', TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER settled_for_ever BEFORE UPDATE OR DELETE ON audit_replay_item
    FOR EACH ROW WHEN (OLD.state <> 'pending') EXECUTE FUNCTION audit_settled_for_ever();
"""
UNGUARD = "DROP FUNCTION audit_settled_for_ever() CASCADE"


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0002_xact_offset"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReplayBatch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=64, unique=True)),
                (
                    "mode",
                    models.CharField(
                        choices=[
                            ("verify", "Verify"),
                            ("shadow", "Shadow"),
                            ("execute", "Execute"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("planned", "Planned"),
                            ("running", "Running"),
                            ("stopped", "Stopped"),
                            ("finished", "Finished"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="planned",
                        max_length=9,
                    ),
                ),
                ("filters", models.JSONField(blank=True, default=dict)),
                ("options", models.JSONField(blank=True, default=dict)),
                ("plan_hash", models.CharField(max_length=64)),
                ("operator", models.TextField()),
                ("target", models.TextField(blank=True)),
                ("created_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name_plural": "replay batches",
                "db_table": "audit_replay_batch",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("mode__in", ["verify", "shadow", "execute"])),
                        name="audit_replaybatch_mode_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                ["planned", "running", "stopped", "finished", "cancelled"],
                            )
                        ),
                        name="audit_replaybatch_state_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ReplayItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveIntegerField()),
                ("record_id", models.UUIDField()),
                ("operation", models.TextField(blank=True)),
                ("lane", models.TextField(blank=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("refused", "Refused"),
                            ("skipped", "Skipped"),
                        ],
                        default="pending",
                        max_length=7,
                    ),
                ),
                ("reason", models.TextField(blank=True)),
                ("original_status", models.PositiveSmallIntegerField()),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("request_id", models.UUIDField(null=True)),
                ("differences", models.JSONField(blank=True, default=list)),
                ("is_final", models.BooleanField(default=False)),
                ("settled_at", models.DateTimeField(null=True)),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="items",
                        to="audit.replaybatch",
                    ),
                ),
            ],
            options={
                "db_table": "audit_replay_item",
                "indexes": [
                    models.Index(
                        fields=["batch", "state", "position"], name="audit_replay_item_left"
                    ),
                    models.Index(
                        condition=models.Q(("state", "done")),
                        fields=["record_id"],
                        name="audit_replay_item_done",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["pending", "done", "failed", "refused", "skipped"])
                        ),
                        name="audit_replayitem_state_known",
                    ),
                    models.UniqueConstraint(
                        fields=("batch", "record_id"), name="audit_replay_item_once_a_batch"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("is_final", True)),
                        fields=("record_id",),
                        name="audit_replay_item_final",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("settled_at__isnull", True), ("state", "pending")),
                            models.Q(
                                models.Q(("state", "pending"), _negated=True),
                                ("settled_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="audit_replay_item_settled_has_time",
                    ),
                ],
            },
        ),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
