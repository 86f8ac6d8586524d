"""Mixed traffic while workers are killed, in short; `bench/soak` is the long form."""

from contextlib import contextmanager
from dataclasses import replace
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from bench.soak import checks, kinds, running
from bench.soak.calls import Ledger

REQUESTS = 320
CALLERS = 8
KILLS = 4


@pytest.mark.django_db(transaction=True)
def test_every_answer_has_one_record_and_every_effect_its_own_while_workers_die():
    call_command("seed", light=True, stdout=StringIO())

    run = running.run(
        requests=REQUESTS, callers=CALLERS, seed=2, kill_every_s=1, kills_at_most=KILLS
    )
    account = checks.examine(run)

    assert account.broken == []
    assert run.kills >= 2
    assert {attempt.kind for attempt in run.ledger.attempts} == set(kinds.Kind)
    assert account.records >= REQUESTS * 0.9
    assert account.effects >= REQUESTS * 0.3
    # The account is worth what it finds.
    for rule, statement in DAMAGES.items():
        with damaged(statement):
            assert rule in broken(run), statement
    for rule, falsify in FALSE_ANSWERS.items():
        assert rule in broken(told_otherwise(run, falsify)), rule


def broken(run):
    return [finding.rule for finding in checks.examine(run).broken]


DAMAGES = {
    "each effect has its record": """
        UPDATE product_feedback SET submitted_at = submitted_at + interval '1 microsecond'
         WHERE id = (SELECT max(id) FROM product_feedback)
    """,
    "each 2xx record of a write has its effects": """
        DELETE FROM sales_baselinekpi WHERE id = (SELECT max(id) FROM sales_baselinekpi)
    """,
    "each write was done at last": """
        UPDATE finance_forecastadjustment SET evidence = 'of nobody'
         WHERE id = (SELECT max(id) FROM finance_forecastadjustment)
    """,
    "no key has two effects": """
        INSERT INTO customers_healthsnapshot
               (customer_id, measured_date, source, score, recorded_at)
        SELECT customer_id, measured_date, source, score, recorded_at
          FROM customers_healthsnapshot WHERE source = 'api_trigger' LIMIT 1
    """,
    "each 2xx record of a key has its stored answer": """
        DELETE FROM clients_idempotencyrecord
         WHERE id = (SELECT max(id) FROM clients_idempotencyrecord)
    """,
    "each consequence came of a recorded write": """
        UPDATE operations_workflowexecution SET requested_at = requested_at + interval '1 second'
         WHERE id = (SELECT max(id) FROM operations_workflowexecution)
    """,
    "each token has its record": """
        DELETE FROM oauth2_provider_accesstoken
         WHERE id = (SELECT max(id) FROM oauth2_provider_accesstoken)
    """,
    "no request has two records": """
        INSERT INTO audit_record
        SELECT (jsonb_populate_record(record, jsonb_build_object(
                   'id', overlay(record.id::text PLACING '0000' FROM 33)))).*
          FROM audit_record record
         WHERE id = (SELECT id FROM audit_record WHERE idempotency_outcome = 'new'
                      ORDER BY id DESC LIMIT 1)
    """,
}


@contextmanager
def damaged(statement):
    """Harm the database inside the block only."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(statement)
            assert cursor.rowcount == 1
        yield
        transaction.set_rollback(True)


FALSE_ANSWERS = {
    "each answer has its record": lambda attempt: [replace(attempt, request_id=str(uuid4()))],
    "each record is of a request that was sent": lambda _: [],
    "each answer has a status that is right": lambda attempt: [replace(attempt, status=500)],
    "each 2xx answer names what its key made": lambda attempt: [replace(attempt, named="fadj_0")],
    "no answer is lost but by a kill": lambda attempt: [
        replace(attempt, id=f"{attempt.id}-{number}", status=None, request_id=None)
        for number in range(REQUESTS)
    ],
}


def told_otherwise(run, falsify):
    """Return the run with something else in place of the first answered forecast."""
    told = next(
        attempt
        for attempt in run.ledger.attempts
        if attempt.kind == kinds.Kind.FORECAST and attempt.is_success
    )
    ledger = Ledger()
    ledger.writes = run.ledger.writes
    ledger.attempts = [attempt for attempt in run.ledger.attempts if attempt is not told]
    ledger.attempts += falsify(told)
    return replace(run, ledger=ledger)
