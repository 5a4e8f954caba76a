"""Whatever is thrown at the engine: a diagnosis all the same, capped and escaped."""

import json
import shlex
import subprocess

import pytest

from local_import.errors import CATALOGUE, ErrorCode, ImportProblem
from local_import.troubleshooting import TroubleshootingEngine
from local_import.wording import describe
from local_import.wording.facts import quoted

MAX_JSON = 64 * 1024


class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class Liar(Exception):
    def __str__(self):
        return 7  # type: ignore[return-value]


class Hostile:
    def __str__(self):
        raise ValueError

    def __fspath__(self):
        raise ValueError


def loop():
    try:
        raise ValueError("a")
    except ValueError as error:
        error.__cause__ = error
        return error


ERRORS = {
    "str raises": Mute(),
    "str is no text": Liar(),
    "ten megabytes": RuntimeError("x" * 10_000_000),
    "control characters": RuntimeError("\x1b[31mred\x07\r\n\0<script>\u202e"),
    "halves of a surrogate pair": RuntimeError("\ud800 \udfff"),
    "braces": RuntimeError("{path} {0} {__class__} %s %(x)s"),
    "arguments of any kind": RuntimeError(object(), b"\xff", [1, 2]),
    "its own cause": loop(),
    "a name with control characters": type("Evil\x1b[2J", (Exception,), {})("x"),
    "no message": Exception(),
    "an exit": SystemExit(3),
    "a filename that is a number": OSError(2, "x", 7),
    "facts of any kind": ImportProblem(ErrorCode.DAMAGED, path=7, detail=object(), other="\x1b"),
    "a fact of ten megabytes": ImportProblem(ErrorCode.DAMAGED, path="/a", detail="y" * 10_000_000),
    "a fact that cannot be read": ImportProblem(
        ErrorCode.DAMAGED, path=Hostile(), detail=Hostile()
    ),
}
CONTEXTS = {
    "none": None,
    "no path": {"operation": "copy"},
    "a path that is not UTF-8": {"file_path": b"/in/\xff\xfe.jpg"},
    "a path of ten megabytes": {"file_path": b"/in/" + b"x" * 10_000_000},
    "a path with a zero byte": {"file_path": "/in/a\0b.jpg"},
    "a path with control characters": {"file_path": "/in/\x1b[31m\n'\"$(reboot).jpg"},
    "an empty path": {"file_path": ""},
    "a relative path": {"file_path": "a.jpg"},
    "a path that is none": {"file_path": object()},
    "half of a surrogate pair": {"file_path": "/in/\ud800.jpg"},
    "values of any kind": {"session": object(), "item": "x\x1b", "library": 3, "source": b"\xff"},
    "keys of any kind": {"a\x1bb": 1, "{path}": "x"},
}


@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS.keys())
@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS.keys())
def test_there_is_always_a_diagnosis_capped_and_escaped(error, context):
    found = TroubleshootingEngine().diagnose(error, context)

    text = json.dumps(found.as_failure(), ensure_ascii=False)
    assert len(text.encode("utf-8")) < MAX_JSON
    shown = [found.summary, found.diagnosis, *found.recommended_actions, *found.seen]
    assert all(line.isprintable() for line in shown), shown
    assert found.summary and found.actions


EVIL = "; touch /tmp/owned #"


@pytest.mark.parametrize(
    "name", ["session", "item", "quoted", "mount_quoted", "path", "raw_path", "grant"]
)
@pytest.mark.parametrize("code", list(ErrorCode))
def test_no_word_of_a_context_becomes_a_command(code, name):
    found = TroubleshootingEngine().diagnose(ImportProblem(code), {name: EVIL})

    for action in found.actions:
        for script in filter(None, (action["command"], action["then"])):
            assert EVIL not in script or EVIL in shlex.split(script)


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS.keys())
def test_an_error_that_nobody_knows_has_a_fingerprint(error):
    found = TroubleshootingEngine().diagnose(error)

    assert (found.code == "unknown") == ("fingerprint" in found.evidence)


def raised(message):
    try:
        raise KeyError(message)
    except KeyError as error:
        return error


def fingerprint_of(error):
    return TroubleshootingEngine().diagnose(error).evidence["fingerprint"]


def test_a_fingerprint_is_of_the_cause_and_not_of_the_file():
    first = fingerprint_of(raised("no tag 17 in /in/a.jpg at 0x7f01"))

    assert fingerprint_of(raised("no tag 4 in /in/trip/b.jpg at 0x7f99")) == first
    assert fingerprint_of(raised("no profile in /in/a.jpg")) != first
    assert fingerprint_of(KeyError("no tag 17 in /in/a.jpg at 0x7f01")) != first


NAMES = [
    b"a b.jpg",
    b"it's.jpg",
    b"-rf",
    b"$(touch x)",
    b"\n",
    b"\\",
    b"\xff\xfe",
    b"a\x1b[31m'\\x41",
]
NAMES += ["写真 ‮.jpg".encode(), b"`id`", b"\x01", b'"', b"a\\'b\xff"]


@pytest.mark.parametrize("name", NAMES)
def test_a_path_in_a_command_is_the_path_byte_for_byte(name):
    path = b"/in/" + name

    said = subprocess.run(
        ["bash", "-c", f"printf %s {quoted(path)}"], capture_output=True, check=True
    )

    assert said.stdout == path


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_command_of_the_catalogue_is_one_that_a_shell_reads(code):
    path = b"/in/it's $(reboot).jpg"
    names = ("path", "obstacle", "mount", "above", "library", "library_file", "mark", "missing")
    facts = {f"{name}_quoted".removeprefix("path_"): quoted(path) for name in names}
    facts |= {f"{name}_directory_quoted".removeprefix("path_"): quoted(path) for name in names}
    facts |= {f"{name}_aside_quoted".removeprefix("path_"): quoted(path) for name in names}
    facts |= {"session": "7", "item": "9", "grant": "o+r", "grant_below": "o+rX"}
    facts |= {action.when: "yes" for action in CATALOGUE[code].actions if action.when not in facts}
    facts |= {"other_session": "8", "other_item": "5"}

    actions = describe(code, facts).actions

    assert len(actions) == len(CATALOGUE[code].actions)
    for action, declared in zip(actions, CATALOGUE[code].actions, strict=True):
        assert bool(action["command"]) == bool(declared.command), action
        assert bool(action["then"]) == bool(declared.operation), action
        for script in filter(None, (action["command"], action["then"])):
            subprocess.run(["bash", "-n", "-c", script], check=True)
            assert script in action["text"]
            assert shlex.split(script)


def test_an_action_whose_facts_are_not_known_has_no_command():
    found = describe(ErrorCode.SOURCE_NOT_DIRECTORY, {})

    assert found.actions[0]["command"] is None
    assert "DIRECTORY" in found.actions[0]["text"]
