"""A stored failure is told in the language of who reads it, and no stranger's fact becomes a command."""

import errno
import json
import os
from string import Formatter

import pytest

from local_import import door
from local_import.door import Step
from local_import.errors import CATALOGUE, ErrorCode, ImportProblem
from local_import.models import AuditLog, ImportItem
from local_import.sayings import SEEN, say
from local_import.services import reports
from local_import.services.explain import explain
from local_import.troubleshooting import TroubleshootingEngine, evidence
from local_import.wording import describe, retell
from local_import.wording.facts import NUMBERS
from tests.builders import make_item

CODES = list(ErrorCode)


@pytest.fixture(autouse=True)
def forgotten():
    evidence.forget()


@pytest.fixture
def read_elsewhere(monkeypatch):
    """From now on the reader's language is one that puts every text between signs."""

    def begin():
        monkeypatch.setattr("django.utils.translation._trans.gettext", lambda text: f"«{text}»")

    return begin


def diagnosed(path, number=errno.ENOENT):
    error = OSError(number, os.strerror(number), os.fsencode(path))
    context = {"file_path": os.fsencode(path), "session": 7, "item": 8}
    failure = TroubleshootingEngine().diagnose(error, context).as_failure()
    return json.loads(json.dumps(failure))  # as it comes back from the database


@pytest.mark.parametrize(
    "name", [b"a.jpg", b"a b'c.jpg", b"\xff\xfe.jpg", "写真\n.jpg".encode(), b"back\\slash.jpg"]
)
@pytest.mark.parametrize("number", [errno.ENOENT, errno.EACCES, errno.ENOSPC, errno.EIO])
@pytest.mark.django_db
def test_a_failure_told_again_in_the_same_language_is_the_same(tmp_path, name, number):
    path = os.path.join(os.fsencode(tmp_path), name)
    if number != errno.ENOENT:
        open(path, "wb").close()
    failure = diagnosed(path, number)

    assert retell(failure) == failure


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_told_in_the_language_of_the_reader(code, read_elsewhere):
    failure = describe(code, {"session": 7, "item": 8, "detail": "It broke"}).as_failure()
    read_elsewhere()

    told = retell(failure)

    assert told["summary"].startswith("«") and told["diagnosis"].startswith("«")
    assert all("«" in text for text in told["recommended_actions"])
    assert [one["command"] for one in told["actions"]] == [
        one["command"] for one in failure["actions"]
    ]


@pytest.mark.django_db
def test_what_was_seen_is_told_again_too(tmp_path, read_elsewhere):
    failure = diagnosed(tmp_path / "gone" / "a.jpg")
    read_elsewhere()

    told = retell(failure)

    assert told["seen"] == [f"«{line}»" for line in failure["seen"]]
    assert len(told["seen"]) >= 2


def problem(detail):
    found = ImportProblem(ErrorCode.DAMAGED, path=b"/in/a.png", detail=detail)
    return TroubleshootingEngine().diagnose(found, {"session": 7}).as_failure()


@pytest.mark.django_db
def test_the_detail_of_a_failure_is_told_again_as_often_as_it_is_read(read_elsewhere):
    failure = problem(say("png_ends", size=12))
    assert failure["diagnosis"].startswith("The PNG breaks off at byte 12: its end")
    read_elsewhere()

    told = retell(failure)

    assert "«The PNG breaks off at byte 12: its end (IEND) is missing.»" in told["diagnosis"]
    assert retell(told) == told
    assert told["evidence"] == failure["evidence"]


@pytest.mark.django_db
@pytest.mark.parametrize("stored", [["no_such_sentence", {}], ["png_ends", {}], 7, None, "text"])
def test_a_detail_that_does_not_fit_is_shown_as_it_was_stored(stored):
    failure = problem("It is torn.") | {"detail": stored}

    assert retell(failure)["diagnosis"].startswith("It is torn. ")


@pytest.mark.django_db
def test_everything_that_shows_a_failure_tells_it_in_the_language_of_the_reader(
    tmp_path, read_elsewhere
):
    values = {"error_code": "source_missing", "failure": diagnosed(tmp_path / "a.jpg")}
    item = door.move(ImportItem, make_item().pk, Step("fail", "It is gone.", values))
    recorded = list(AuditLog.objects.values_list("message", flat=True))
    read_elsewhere()
    item = ImportItem.objects.select_related("session").get(pk=item.pk)

    sentences = {s.code: s.text for s in explain(f"item:{item.pk}").explanation.sentences}
    report = reports.session_report(item.session)

    assert "«" in sentences["failure"][1:] and sentences["seen"].count("«") == 2
    assert reports.item_report(item)["failure"]["summary"].startswith("«")
    assert next(report["failures"])["summary"].startswith("«")
    assert report["incidents"][0]["actions"][0]["text"].startswith("«")
    assert list(AuditLog.objects.values_list("message", flat=True)) == recorded


@pytest.mark.parametrize(
    "failure",
    [
        {},
        {"code": "damaged", "summary": "Mine."},
        {"code": "no_such_code", "summary": "Mine.", "evidence": {}, "told": []},
        {"code": "damaged", "summary": "Mine.", "evidence": "text", "told": []},
        {"code": "damaged", "summary": "Mine.", "evidence": {}, "told": "text"},
    ],
)
def test_what_another_importer_stored_stays_as_it_is(failure):
    assert retell(failure) == failure


@pytest.mark.parametrize(
    "told",
    [
        [["no_such_sentence", {}]],
        [["size", {"path": "/a", "size": "many"}]],
        [["size", {}]],
        [["size"]],
        [7],
        [["room", {"point": "/", "free": 10**5000, "size": 1}]],
    ],
)
def test_a_sentence_that_does_not_fit_is_shown_as_it_was_stored(told):
    failure = {"code": "unknown", "evidence": {}, "told": told, "seen": ["It was so."]}

    assert retell(failure)["seen"] == ["It was so."]


def test_no_fact_of_a_stranger_becomes_a_part_of_a_command():
    evil = "; rm -rf /"
    names = {"grant", "grant_below", "quoted", "obstacle_quoted", "mount_quoted", *NUMBERS}
    facts = dict.fromkeys(names, f"o+r{evil}") | {"obstacle": f"/a{evil}", "path": f"/b{evil}"}
    for code in CODES:
        failure = {"code": code.value, "evidence": facts, "told": [], "seen": []}

        commands = [one["command"] or "" for one in retell(failure)["actions"]]
        commands += [one["then"] or "" for one in retell(failure)["actions"]]

        assert not [
            text
            for text in commands
            if evil
            in text.replace(f"'/a{evil}'", "")
            .replace(f"'/b{evil}'", "")
            .replace(f"'/b{evil}.aside'", "")
        ], code


def test_every_fact_that_a_command_names_is_quoted_a_number_or_a_grant():
    for entry in CATALOGUE.values():
        for action in entry.actions:
            named = {name for _, name, _, _ in Formatter().parse(action.command) if name}
            odd = {n for n in named if not n.endswith("quoted") and not n.startswith("grant")}
            assert odd <= set(NUMBERS), action.code


@pytest.mark.parametrize("code", SEEN)
def test_every_sentence_of_what_was_seen_is_one(code):
    text = str(SEEN[code])

    assert text == "{text}" or text[-1] in ".:"
