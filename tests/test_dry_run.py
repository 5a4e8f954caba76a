"""The dry run of a command: what it decides is told, however many files there are, and nothing is written."""

import contextlib
import errno
import io
import json
import os
import pty
import tempfile
import tracemalloc
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import call_command

from local_import.fsops import Spool
from local_import.management.commands import import_photos
from local_import.pipeline.preview import _Seen, preview
from local_import.services import sessions
from tests.builders import make_media
from tests.photos import jpeg

pytestmark = pytest.mark.django_db


class Counting(io.StringIO):
    """A place to write to that keeps nothing."""

    written = 0

    def write(self, text):
        self.written += len(text)
        return len(text)


class Full(io.StringIO):
    """A file on a disk that has no room."""

    def write(self, text):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def peak_of(directory, number):
    """Bytes that Python holds at most while it looks at so many files, some of which fail; fifty to a
    folder, because the names of one folder are held."""
    photo = jpeg(1)
    for n in range(number):
        file = directory / f"{n // 50}" / f"{n}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(photo + b"%d" % n if n % 20 else b"<html>%d" % n)
    out = Counting()
    tracemalloc.start()
    with pytest.raises(SystemExit) as ended:
        call_command("import_photos", str(directory), "--dry-run", "--json", stdout=out)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert ended.value.code == 1
    assert out.written > number * 100
    return peak


def test_it_needs_no_more_memory_for_more_files(tmp_path, library):
    _, few, many = (peak_of(tmp_path / str(number), number) for number in (60, 1_200, 7_200))

    assert many < 1.5 * few


def test_equal_files_far_apart_are_known_as_equal(inbox, library):
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (inbox / name).write_bytes(jpeg(name == "b.jpg"))

    with sessions.dry_desk(os.fsencode(inbox), "copy") as desk:
        works = {work.path: work for work in preview(desk, Counter(), batch_items=1)}

    first, second = sorted(
        (works[b"a.jpg"], works[b"c.jpg"]), key=lambda work: work.verdict is not None
    )
    assert first.verdict is None
    assert works[b"b.jpg"].verdict is None
    assert second.verdict.values["skip_reason"] == "duplicate"
    assert first.destination in second.verdict.reason


def test_what_was_broken_off_is_closed_by_whichever_thread_collects_it(inbox, library):
    (inbox / "a.jpg").write_bytes(jpeg(1))
    with sessions.dry_desk(os.fsencode(inbox), "copy") as desk:
        broken_off = preview(desk, Counter())
        next(broken_off)
        with ThreadPoolExecutor(1) as other:
            other.submit(broken_off.close).result()

    assert list(broken_off) == []


def test_a_full_disk_for_temporary_files_is_told_of(inbox, library, monkeypatch, capsys):
    (inbox / "a.jpg").write_bytes(jpeg(1))
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda *_, **__: Full())

    with pytest.raises(SystemExit) as ended:
        call_command("import_photos", str(inbox), "--dry-run")

    told = capsys.readouterr()
    assert (ended.value.code, told.out) == (1, "")
    assert "disk_full" in told.err
    assert tempfile.gettempdir() in told.err


def test_a_full_disk_for_what_was_seen_is_told_of_in_the_same_way(
    inbox, library, monkeypatch, capsys
):
    class Small(_Seen):
        def __init__(self):
            super().__init__()
            self._rows.execute("PRAGMA max_page_count = 2")

    for number in range(80):
        (inbox / f"{number}.jpg").write_bytes(jpeg(number))
    monkeypatch.setattr("local_import.pipeline.preview._Seen", Small)
    monkeypatch.setenv("TMPDIR", str(inbox))

    with pytest.raises(SystemExit) as ended:
        call_command("import_photos", str(inbox), "--dry-run")

    told = capsys.readouterr()
    assert (ended.value.code, told.out) == (1, "")
    assert "disk_full" in told.err
    assert str(inbox) in told.err


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES])
def test_an_error_of_the_system_is_told_with_what_to_do(inbox, monkeypatch, capsys, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number), str(inbox))

    monkeypatch.setattr(import_photos, "preview", refuse)

    with pytest.raises(SystemExit) as ended:
        call_command("import_photos", str(inbox), "--dry-run")

    told = capsys.readouterr().err
    assert ended.value.code == 1
    assert str(inbox) in told
    assert "→" in told
    assert "Traceback" not in told


def test_ctrl_c_ends_it_without_a_stack(inbox, monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(import_photos, "preview", interrupt)

    with pytest.raises(SystemExit) as ended:
        call_command("import_photos", str(inbox), "--dry-run")

    assert (ended.value.code, capsys.readouterr().err) == (130, "Interrupted.\n")


def test_on_a_terminal_it_tells_how_far_it_is(inbox, library, monkeypatch):
    for number in range(3):
        (inbox / f"{number}.jpg").write_bytes(jpeg(number) if number else b"<html>")
    ours, theirs = pty.openpty()

    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr("sys.stderr", terminal)
        with pytest.raises(SystemExit):
            call_command("import_photos", str(inbox), "--dry-run", stdout=io.StringIO())
    shown = ""
    with contextlib.suppress(OSError):  # the end; a single reading gives 4 KB at most
        while part := os.read(ours, 4096):
            shown += part.decode("utf-8", "replace")
    os.close(ours)

    assert "Dry run" in shown
    assert "3/3" in shown
    assert "1 failed" in shown


def test_a_spool_gives_back_its_rows_as_often_as_wanted():
    spool = Spool()
    rows = [{"path": "ä\n\u2028", "number": n, "none": None} for n in range(3)]
    for row in rows:
        spool.add(row)

    assert len(spool) == 3
    assert [list(spool), list(spool)] == [rows, rows]


def test_it_refuses_what_the_import_would_refuse_where_the_library_is_away(inbox, library, capsys):
    (inbox / "a.jpg").write_bytes(jpeg(1))
    make_media(b"a.jpg")

    with pytest.raises(SystemExit) as ended:
        call_command("import_photos", str(inbox), "--dry-run", "--json")

    assert ended.value.code == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "library_unmounted"
