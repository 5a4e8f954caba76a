"""What a page says of an import that runs is what its rows say, and not older than three seconds."""

import os
import random
import re
import threading
import time
from collections import Counter

import pytest
from django.db import connection, connections

from local_import import door
from local_import.door import Step
from local_import.models import ImportSession
from local_import.pipeline import worker
from local_import.services import background, sessions
from tests.photos import jpeg

LOOKS = 200
PHOTOS = 400
OLDEST_S = 3.0
COUNT = re.compile(r'\?state=(\w+)" class="count-\w+">([\d,]+)<')


def counted(session_id):
    """By the rows themselves, past all that is stored."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state, COUNT(*) FROM local_import_item WHERE session_id = %s GROUP BY state",
            [session_id],
        )
        return Counter(dict(cursor.fetchall()))


def shown(client, session_id):
    text = client.get(f"/import/sessions/{session_id}/?part=progress").content.decode()
    return Counter({state: int(number.replace(",", "")) for state, number in COUNT.findall(text)})


def done(counts):
    return sum(counts[state] for state in ("imported", "skipped", "failed", "missing"))


class Pace:
    """Lets a worker, who asks twice for each file whether to stop, go on as looks are taken."""

    def __init__(self):
        self.asked, self.looks = 0, 0

    def __call__(self):
        self.asked += 1
        due = min(LOOKS, LOOKS * self.asked / (2 * PHOTOS))
        patience = time.monotonic() + OLDEST_S / 2
        while self.looks < due and time.monotonic() < patience:
            time.sleep(0.001)
        return False


@pytest.fixture
def pace():
    return Pace()


@pytest.fixture
def running(db, library, inbox, monkeypatch, pace):
    """A session that a worker in a thread of its own imports, a few files at a time, and that thread."""
    monkeypatch.setattr(worker, "BATCH_ITEMS", 8)
    for number in range(PHOTOS):
        (inbox / f"{number}.jpg").write_bytes(jpeg(number))
    session = sessions.create(os.fsencode(inbox))
    door.move(ImportSession, session.pk, Step("start", "Because the test says so."))

    def work():
        try:
            while ImportSession.objects.running().filter(pk=session.pk).exists():
                background.advance(session.pk, should_stop=pace)
        finally:
            connections.close_all()

    return session.pk, threading.Thread(target=work)


@pytest.mark.django_db(transaction=True)
def test_a_page_tells_what_the_rows_told_within_three_seconds(running, operator, pace):
    pk, thread = running
    truths, pages = [(time.monotonic(), counted(pk))], []
    thread.start()
    while thread.is_alive() and len(pages) < LOOKS:
        pages.append((time.monotonic(), shown(operator, pk)))
        truths.append((time.monotonic(), counted(pk)))
        pace.looks = len(pages)
        time.sleep(random.uniform(0, 0.03))
    thread.join(120)

    assert len(pages) == LOOKS
    for at, page in pages:
        before = [truth for when, truth in truths if when <= at - OLDEST_S or when == truths[0][0]]
        after = next(truth for when, truth in truths if when >= at)
        assert before[-1].total() <= page.total() <= after.total()
        assert done(before[-1]) <= done(page) <= done(after)
    assert shown(operator, pk) == counted(pk) == Counter(imported=PHOTOS)
