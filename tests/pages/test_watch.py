"""import_status --watch: a session followed in the terminal until it is at rest."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time

import pytest
from django.core.management import call_command
from django.db import connections

from local_import import door
from local_import.door import Step
from local_import.management.watching import line
from local_import.models import ImportSession
from local_import.services import background, sessions
from local_import.services.progress import progress_of
from tests.builders import make_item, make_session, walk
from tests.conftest import ROOT
from tests.photos import jpeg


def status_of(*arguments):
    try:
        call_command("import_status", *arguments)
    except SystemExit as end:
        return end.code
    return 0


@pytest.mark.django_db(transaction=True)
def test_it_ends_with_the_session_and_tells_how_it_ended(library, inbox, capsys):
    for number in range(20):
        (inbox / f"{number}.jpg").write_bytes(jpeg(number))
    session = sessions.create(os.fsencode(inbox))
    door.move(ImportSession, session.pk, Step("start", "Because the test says so."))

    def work():
        time.sleep(1.5)
        background.advance(session.pk, should_stop=lambda: False)
        connections.close_all()

    worker = threading.Thread(target=work)
    worker.start()
    status = status_of(str(session.pk), "--watch")
    worker.join(60)

    told = capsys.readouterr()
    assert status == 0
    assert "20 imported" in told.out
    assert "0 of 0 files" in told.err


def test_a_session_that_ended_badly_is_told_by_the_exit_status(db, capsys):
    session = make_session("importing")
    make_item(session, b"f.jpg", "failed")
    walk(session)

    assert status_of(str(session.pk), "--watch", "--json") == 1
    assert json.loads(capsys.readouterr().out)["state"] == "failed"


def test_it_needs_a_session_that_there_is(db, capsys):
    assert status_of("--watch") == 2
    assert status_of("4711", "--watch") == 2
    assert "4711" in capsys.readouterr().err


def test_it_tells_the_numbers_of_the_page(db, client_of):
    session = make_session("importing")
    for number in range(3):
        make_item(session, b"%d.jpg" % number, "imported", size_bytes=1000)
    make_item(session, b"f.jpg", "failed")
    make_item(session, b"w.jpg", "pending")
    session = walk(session)
    page = client_of("viewer").get(f"/import/sessions/{session.pk}/").content.decode()

    told = line(session, progress_of(session))

    assert "4 of 5 files (80 %)" in told
    assert "of 5 files at rest (80 %)" in page
    assert "1 not imported" in told


def test_in_a_terminal_it_is_drawn_and_ctrl_c_ends_the_watching_alone(desk, inbox):
    (inbox / "a.jpg").write_bytes(jpeg())
    desk.import_photos(str(inbox), "--background")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "import_status", "1", "--watch"],
        cwd=ROOT,
        env=desk.environment | {"TERM": "xterm"},
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    seen = b""
    while not re.search(rb"Session 1: expanding", seen):
        seen += os.read(ours, 4096)
    process.send_signal(signal.SIGINT)

    assert process.wait(30) == 130
    assert desk.status()["state"] == "expanding"
