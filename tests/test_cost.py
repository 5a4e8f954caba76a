"""What an item costs in statements and audit rows; times are measured by the benchmark."""

import os
import sqlite3
from contextlib import closing

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from local_import.audit_logger import SYSTEM
from local_import.models import AuditLog, ImportItem, Incident
from local_import.pipeline.claim import BATCH_ITEMS, claim
from local_import.pipeline.desk import open_desk
from local_import.pipeline.scan import scan
from local_import.pipeline.worker import run_batch
from local_import.services import sessions
from tests import builders
from tests.photos import jpeg

pytestmark = pytest.mark.django_db
STATEMENTS_PER_ITEM = 0.5
AUDIT_ROWS_PER_ITEM = range(5, 11)


def test_a_file_that_fails_costs_no_more_statements_than_one_that_does_not(inbox, library):
    for seed in range(BATCH_ITEMS):
        (inbox / f"{seed}.jpg").write_bytes(jpeg(seed + 1)[:100])
    session = sessions.create(os.fsencode(inbox))
    builders.door.move(type(session), session.pk, builders.Step("start", "Started by the test."))

    with open_desk(session) as desk, CaptureQueriesContext(connection) as seen:
        scan(desk, SYSTEM, lambda: False)
        while batch := claim(session.pk, SYSTEM):
            run_batch(desk, batch, SYSTEM, lambda: False)

    assert ImportItem.objects.filter(state="failed").count() == BATCH_ITEMS
    assert Incident.objects.get().count == BATCH_ITEMS
    assert len(seen) / BATCH_ITEMS <= STATEMENTS_PER_ITEM / 2


def test_an_item_costs_half_a_statement_and_five_to_ten_audit_rows(inbox, library):
    for seed in range(BATCH_ITEMS):
        (inbox / f"{seed}.jpg").write_bytes(jpeg(seed + 1, size=(64 + seed, 48)))
    session = sessions.create(os.fsencode(inbox), mode="move")
    builders.door.move(type(session), session.pk, builders.Step("start", "Started by the test."))
    statements = []

    def count(execute, sql, params, many, context):
        statements.append(sql)
        return execute(sql, params, many, context)

    with open_desk(session) as desk, connection.execute_wrapper(count):
        scan(desk, SYSTEM, lambda: False)
        while batch := claim(session.pk, SYSTEM):
            run_batch(desk, batch, SYSTEM, lambda: False)

    assert ImportItem.objects.filter(state="imported").count() == BATCH_ITEMS
    assert len(statements) / BATCH_ITEMS <= STATEMENTS_PER_ITEM
    for item in ImportItem.objects.all()[:20]:
        assert AuditLog.objects.filter(item_id=item.pk).count() in AUDIT_ROWS_PER_ITEM


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL's pages have 8 KiB anyway")
def test_a_new_database_has_large_pages(migrated_database):
    with closing(sqlite3.connect(migrated_database)) as database:
        assert database.execute("PRAGMA page_size").fetchone() == (8192,)
