"""What was sent and answered, held against the trail and the domains' tables.

Everything is copied into temporary tables and compared there, a statement a check, so that a
run of any length costs a few scans. Moments tie a row to its record: both hold the request's
one clock reading.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import psycopg
from django.db import connection, transaction

from bench.soak.calls import Attempt
from bench.soak.running import Run
from cs_integrations.database.identifiers import first_request_id

EXAMPLES = 5

_ATTEMPTS = """
CREATE TEMP TABLE soak_attempt (
    id text PRIMARY KEY, method text, path text, key text, status integer, request_id uuid,
    named text, is_exempt boolean
) ON COMMIT DROP
"""
_WRITES = """
CREATE TEMP TABLE soak_write (
    key text, effect text, target text, value numeric, PRIMARY KEY (key, effect)
) ON COMMIT DROP
"""
_RECORDS = """
CREATE TEMP TABLE soak_record ON COMMIT DROP AS
SELECT id, received_at, status, method, path, client_id, client_request_id, idempotency_key,
       idempotency_outcome, status < 300 AND idempotency_outcome = 'new' AS is_write
  FROM audit_record
 WHERE id >= %(first_id)s AND received_at <= now()
"""
_EFFECTS = """
CREATE TEMP TABLE soak_effect ON COMMIT DROP AS
SELECT 'forecast' AS effect, evidence AS key, effective_from AS at, public_id AS named
  FROM finance_forecastadjustment
 WHERE effective_from >= %(started_at)s
UNION ALL
SELECT 'feedback', evidence, submitted_at, 'PROD-' || ticket_id
  FROM product_feedback
 WHERE submitted_at >= %(started_at)s
UNION ALL
SELECT 'trigger', w.key, t.received_at, coalesce(campaign.public_id, '')
  FROM marketing_triggerevent t
  JOIN customers_customer customer ON customer.id = t.customer_id
  LEFT JOIN marketing_campaign campaign ON campaign.id = t.campaign_id
  LEFT JOIN soak_write w ON w.effect = 'trigger' AND w.target = customer.public_id
       AND w.value = t.health_score
 WHERE t.received_at >= %(started_at)s
UNION ALL
SELECT 'health signal', w.key, signal.recorded_at, NULL
  FROM customers_healthsnapshot signal
  JOIN customers_customer customer ON customer.id = signal.customer_id
  LEFT JOIN soak_write w ON w.effect = 'health signal' AND w.target = customer.public_id
       AND w.value = signal.score
 WHERE signal.recorded_at >= %(started_at)s AND signal.source = 'api_trigger'
UNION ALL
SELECT 'execution', parameters ->> 'reference', requested_at, public_id
  FROM operations_workflowexecution
 WHERE requested_at >= %(started_at)s AND parameters ->> 'reference' IS NOT NULL
UNION ALL
SELECT 'handoff', w.key, package.completed_at, NULL
  FROM sales_handoffpackage package
  JOIN sales_deal deal ON deal.id = package.deal_id
  LEFT JOIN soak_write w ON w.effect = 'handoff' AND w.target = deal.public_id
 WHERE package.completed_at >= %(started_at)s
UNION ALL
SELECT 'baseline', w.key, kpi.frozen_at, NULL
  FROM sales_baselinekpi kpi
  JOIN sales_successplan plan ON plan.id = kpi.plan_id
  JOIN sales_deal deal ON deal.id = plan.deal_id
  LEFT JOIN soak_write w ON w.effect = 'baseline' AND w.target = deal.public_id
       AND w.value = kpi.value
 WHERE kpi.frozen_at >= %(started_at)s
"""
# Rows that hang on a request without naming its key.
_CONSEQUENCES = """
CREATE TEMP TABLE soak_consequence ON COMMIT DROP AS
SELECT execution.public_id AS name, execution.requested_at AS at, customer.public_id AS customer_id
  FROM operations_workflowexecution execution
  JOIN customers_customer customer ON customer.id = execution.customer_id
 WHERE execution.requested_at >= %(started_at)s
UNION ALL
SELECT 'escalation ' || escalation.id, escalation.opened_at, customer.public_id
  FROM operations_escalation escalation
  JOIN customers_customer customer ON customer.id = escalation.customer_id
 WHERE escalation.opened_at >= %(started_at)s AND escalation.cause <> 'waited'
UNION ALL
SELECT DISTINCT campaign.public_id, campaign.started_at, customer.public_id
  FROM marketing_campaign campaign
  LEFT JOIN marketing_campaignenrollment enrollment ON enrollment.campaign_id = campaign.id
  LEFT JOIN customers_customer customer ON customer.id = enrollment.customer_id
 WHERE campaign.started_at >= %(started_at)s
UNION ALL
SELECT 'lead ' || lead.id, lead.opened_at, customer.public_id
  FROM marketing_expansionlead lead
  JOIN customers_customer customer ON customer.id = lead.customer_id
 WHERE lead.opened_at >= %(started_at)s
"""
_INDEXES = (
    "CREATE INDEX ON soak_record (id)",
    "CREATE INDEX ON soak_record (client_request_id)",
    "CREATE INDEX ON soak_record (idempotency_key)",
    "CREATE INDEX ON soak_record (received_at)",
    "CREATE INDEX ON soak_effect (key, effect)",
    "ANALYZE soak_record, soak_effect, soak_consequence",
)

# Each selects what breaks the rule; the first column names it.
_CHECKS = {
    # A 503 may say that the record itself could not be written.
    "each answer has its record": """
        SELECT a.id FROM soak_attempt a LEFT JOIN soak_record r ON r.id = a.request_id
         WHERE a.status IS NOT NULL AND NOT a.is_exempt
           AND NOT (r.id IS NULL AND a.status = 503)
           AND (r.id IS NULL OR r.status <> a.status OR r.client_request_id <> a.id
                OR r.method <> a.method OR r.path <> split_part(a.path, '?', 1)
                OR r.idempotency_key NOT IN ('', a.key))
    """,
    "no request has two records": """
        SELECT client_request_id FROM soak_record GROUP BY 1 HAVING count(*) > 1
    """,
    "each record is of a request that was sent": """
        SELECT r.id FROM soak_record r LEFT JOIN soak_attempt a ON a.id = r.client_request_id
         WHERE a.id IS NULL OR a.is_exempt OR r.id <> a.request_id
    """,
    "each effect has its record": """
        SELECT e.effect || ' ' || coalesce(e.key, 'of no key') FROM soak_effect e
         WHERE NOT EXISTS (
               SELECT FROM soak_record r
                WHERE r.is_write AND r.idempotency_key = e.key AND r.received_at = e.at)
    """,
    "each 2xx record of a write has its effects": """
        SELECT r.id FROM soak_record r JOIN soak_write w ON w.key = r.idempotency_key
         WHERE r.is_write AND NOT EXISTS (
               SELECT FROM soak_effect e
                WHERE e.effect = w.effect AND e.key = w.key AND e.at = r.received_at)
    """,
    "each write was done at last": """
        SELECT w.key || ' ' || w.effect FROM soak_write w
          LEFT JOIN soak_effect e ON e.effect = w.effect AND e.key = w.key
         WHERE e.key IS NULL
    """,
    "no key has two effects": """
        SELECT key || ' ' || effect FROM soak_effect GROUP BY key, effect HAVING count(*) > 1
    """,
    "no key has two 2xx records of its own": """
        SELECT idempotency_key FROM soak_record WHERE is_write GROUP BY 1 HAVING count(*) > 1
    """,
    "each 2xx answer names what its key made": """
        SELECT a.id FROM soak_attempt a JOIN soak_effect e ON e.key = a.key
         WHERE a.status < 300 AND e.named <> a.named
    """,
    "each 2xx record of a key has its stored answer": """
        SELECT coalesce(r.idempotency_key, stored.key)
          FROM (SELECT * FROM soak_record WHERE is_write) r
          FULL JOIN (SELECT key, request_id, status FROM clients_idempotencyrecord
                      WHERE created_at >= %(started_at)s) stored
               ON stored.request_id = r.id AND stored.key = r.idempotency_key
               AND stored.status = r.status
         WHERE r.id IS NULL OR stored.key IS NULL
    """,
    "each consequence came of a recorded write": """
        SELECT c.name FROM soak_consequence c
         WHERE NOT EXISTS (
               SELECT FROM soak_record r
                WHERE r.is_write AND r.received_at = c.at
                  AND (r.path LIKE '%%/' || c.customer_id OR c.customer_id IS NULL))
    """,
    "each token has its record": """
        SELECT coalesce(token.client_id, record.client_id)
          FROM (SELECT client.client_id, count(*) FROM oauth2_provider_accesstoken token
                  JOIN clients_application client ON client.id = token.application_id
                 WHERE token.created >= %(started_at)s GROUP BY 1) token
          FULL JOIN (SELECT client_id, count(*) FROM soak_record
                      WHERE path = '/auth/token' AND status = 200 GROUP BY 1) record
               USING (client_id)
         WHERE token.count IS DISTINCT FROM record.count
    """,
}
_UNRECEIVED = """
SELECT count(*) FROM soak_record r JOIN soak_attempt a ON a.id = r.client_request_id
 WHERE a.status IS NULL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """How often a rule was broken, and where."""

    rule: str
    count: int
    examples: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """All rules with what broke them, and what happened to the answers nobody received."""

    findings: Sequence[Finding]
    records: int
    effects: int
    kept_unheard: int  # requests whose answer was lost after they were done

    @property
    def broken(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.count]


def examine(run: Run) -> Account:
    """Hold the run, in which nobody else called the service, against the database."""
    with transaction.atomic(), connection.cursor() as cursor:
        moments: dict[str, datetime | UUID] = {
            "started_at": run.started_at,
            "first_id": first_request_id(run.started_at),
        }
        _load(cast("psycopg.Cursor[Any]", cursor), run)
        for statement in (_RECORDS, _EFFECTS, _CONSEQUENCES):
            cursor.execute(statement, moments)
        for statement in _INDEXES:
            cursor.execute(statement)
        findings = _of_answers(run)
        for rule, statement in _CHECKS.items():
            cursor.execute(statement, moments)
            findings.append(_finding(rule, (row[0] for row in cursor.fetchall())))
        return Account(
            findings=findings,
            records=_count(cursor, "SELECT count(*) FROM soak_record"),
            effects=_count(cursor, "SELECT count(*) FROM soak_effect"),
            kept_unheard=_count(cursor, _UNRECEIVED),
        )


def _load(cursor: "psycopg.Cursor[Any]", run: Run) -> None:
    cursor.execute(_ATTEMPTS)
    cursor.execute(_WRITES)
    with cursor.copy("COPY soak_attempt FROM STDIN") as copy:
        for attempt in run.ledger.attempts:
            copy.write_row(_attempt_row(attempt))
    with cursor.copy("COPY soak_write FROM STDIN") as copy:
        for write in run.ledger.writes:
            copy.write_row((write.key, write.effect.value, write.target, write.value))
    cursor.execute("ANALYZE soak_attempt, soak_write")


def _attempt_row(attempt: Attempt) -> tuple[Any, ...]:
    return (
        attempt.id,
        attempt.method,
        attempt.path,
        attempt.key,
        attempt.status,
        attempt.request_id,
        attempt.named,
        attempt.is_exempt,
    )


def _of_answers(run: Run) -> list[Finding]:
    """Judge what came back by itself."""
    attempts = run.ledger.attempts
    unexpected = (
        f"{attempt.id} {attempt.kind}: {attempt.status}"
        for attempt in attempts
        if not attempt.is_expected
    )
    # A kill takes at most what each caller waits for.
    lost = sum(attempt.is_lost for attempt in attempts)
    excess = max(0, lost - run.kills * run.callers)
    return [
        _finding("each answer has a status that is right", unexpected),
        _finding("each keyed call was answered at last", run.ledger.unsettled),
        Finding(rule="no answer is lost but by a kill", count=excess),
    ]


def _finding(rule: str, broken: Iterable[object]) -> Finding:
    found = [str(item) for item in broken]
    return Finding(rule=rule, count=len(found), examples=found[:EXAMPLES])


def _count(cursor: Any, statement: str) -> int:
    cursor.execute(statement)
    return int(cursor.fetchone()[0])
