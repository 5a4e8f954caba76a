"""Sources for tests, and what becomes of them."""

import os

import pytest

from local_import import door
from local_import.audit_logger import SYSTEM
from local_import.door import Step
from local_import.errors import ImportProblem
from local_import.guards import open_gate
from local_import.models import AuditLog, ImportItem, ImportSession, Media
from local_import.pipeline.desk import open_desk
from local_import.pipeline.run import walk
from local_import.services import sessions
from tests.faults.flow import run_here
from tests.photos import jpeg

PHOTOS = {f"{number}.jpg": jpeg(number) for number in range(4)}
PRIVATE = {name: jpeg(100 + number) for number, name in enumerate(PHOTOS)}  # of the same names


def filled(directory, photos=PHOTOS):
    directory.mkdir(exist_ok=True)
    for name, content in photos.items():
        (directory / name).write_bytes(content)
    return directory


def create(source, mode="move"):
    return sessions.create(os.fsencode(source), mode=mode)


def imported(source, mode="move"):
    session = run_here(create(source, mode).pk)
    assert session.state == "imported", session.failure
    return session


def files_below(directory):
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def lose_database():
    with open_gate("lost"):
        for table in (AuditLog, ImportItem, ImportSession, Media):
            table.objects.all()._raw_delete("default")


def code_of_error(work, *arguments, **options):
    with pytest.raises(ImportProblem) as caught:
        work(*arguments, **options)
    return caught.value.code


def counted(session):
    return {state: number for state, number in session.counts.items() if number}


def walked(session):
    """A session of which every file is found, and none taken yet."""
    door.move(ImportSession, session.pk, Step("start", "Started by the test."))
    with open_desk(session) as desk:
        walk(desk, SYSTEM, lambda: False)
    return session
