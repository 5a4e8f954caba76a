"""An empty argument, as a shell leaves it of a variable that is not set, never means "everything"."""

import argparse
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command, get_commands, load_command_class

from local_import.models import ImportItem
from local_import.operations.target import WrongTarget, parse
from local_import.services import sessions
from tests.builders import make_item, make_session
from tests.conftest import ROOT
from tests.photos import jpeg

OWN = sorted(name for name, app in get_commands().items() if app == "local_import")
MAY_BE_EMPTY = {"label"}  # a name that nobody gave


def written_arguments():
    """Each argument of our commands that takes what somebody writes."""
    for name in OWN:
        parser = load_command_class("local_import", name).create_parser("manage.py", name)
        inherited = {action.dest for action in argparse_defaults()}
        for action in parser._actions:
            takes_a_value = action.nargs != 0 and not isinstance(action, argparse._HelpAction)
            if takes_a_value and action.dest not in inherited | MAY_BE_EMPTY:
                yield pytest.param(parser, action, id=f"{name} {action.dest}")


def argparse_defaults():
    """Django's own options, which every command has."""
    return load_command_class("django.core", "check").create_parser("manage.py", "check")._actions


@pytest.mark.parametrize("empty", ["", " "])
@pytest.mark.parametrize(("parser", "action"), list(written_arguments()))
def test_no_command_takes_an_empty_argument(parser, action, empty):
    with pytest.raises(argparse.ArgumentError):
        parser._check_value(action, parser._get_value(action, empty))


@pytest.mark.parametrize("mode", ["copy", "move"])
def test_an_empty_source_is_not_the_current_directory(desk, mode):
    (desk.inbox / "a.jpg").write_bytes(jpeg(1))

    command = [sys.executable, str(ROOT / "manage.py"), "import_photos", "", "--mode", mode]
    done = subprocess.run(
        command, cwd=desk.inbox, env=desk.environment, capture_output=True, timeout=60
    )

    assert done.returncode == 2
    assert "source: it is empty; is a variable of the shell not set?" in done.stderr.decode()
    assert (desk.inbox / "a.jpg").read_bytes() == jpeg(1)
    assert not desk.library.exists()


@pytest.mark.django_db
def test_an_empty_source_is_refused_of_programs_too(library, inbox, monkeypatch):
    monkeypatch.chdir(inbox)

    for ask in (
        sessions.create,
        sessions.check_source,
        lambda source: sessions.dry_desk(source, "copy"),
    ):
        with pytest.raises(ValueError, match="The source is empty"):
            ask(b"")


@pytest.mark.parametrize(
    "target",
    [
        "session:1:",
        "files:1:",
        "files:1:state=",
        "files:1:path=&state=failed",
        "items:",
        "rule:",
        "item:",
    ],
)
def test_an_empty_part_of_a_target_does_not_widen_it(target):
    with pytest.raises(WrongTarget):
        parse(target)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "words",
    [
        ("import_retry", "{}", "--code", ""),
        ("import_operation", "retry", "session:{}:"),
        ("import_operation", "dismiss", "files:{}:state="),
    ],
)
def test_a_lost_filter_changes_no_file(library, words):
    session = make_session()
    item = make_item(session, b"a.jpg", state="failed")

    with pytest.raises((CommandError, SystemExit)):
        call_command(*(word.format(session.pk) for word in words))

    assert ImportItem.objects.get(pk=item.pk).state == "failed"
