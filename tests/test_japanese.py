"""The pages speak Japanese as well: every text that is marked has its translation, and none is broken."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import polib
import pytest

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = Path("local_import", "locale", "ja", "LC_MESSAGES", "django.po")
PLACE = re.compile(r"\{[^{}]*\}|%(?:\(\w+\))?[\d.]*[a-zA-Z%]")
# Names, and texts that are nothing but facts.
ALIKE = {
    "SHA-256",
    "beat",
    "%(number)d ms",
    "{text}",
    "{fact}",
    "{trouble}",
    "{summary} {diagnosis}",
}


def entries(path):
    return list(polib.pofile(str(path)))


def key(entry):
    return (entry.msgctxt, entry.msgid, entry.msgid_plural)


def texts(entry):
    """What a reader of the language may be shown for it."""
    return list(entry.msgstr_plural.values()) or [entry.msgstr]


JAPANESE = entries(ROOT / CATALOGUE)


@pytest.fixture(scope="module")
def extracted(tmp_path_factory):
    """Every text that is marked in the code and the templates as they are now."""
    if shutil.which("xgettext") is None:
        pytest.skip("GNU gettext is not installed: apt-get install gettext")
    copy = tmp_path_factory.mktemp("extraction")
    for name in ("local_import", "photonest", "templates"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("locale"))
    shutil.copy(ROOT / "manage.py", copy)
    (copy / "local_import" / "locale").mkdir()
    command = ("makemessages", "--locale", "ja", "--no-location")
    subprocess.run([sys.executable, "manage.py", *command], cwd=copy, check=True)
    return entries(copy / CATALOGUE)


def test_every_marked_text_is_in_the_catalogue_and_nothing_else(extracted):
    assert set(map(key, JAPANESE)) == set(map(key, extracted)), "make messages writes it anew"


def test_every_text_is_translated_for_sure():
    assert not [entry.msgid for entry in JAPANESE if not entry.translated() or entry.fuzzy]


def test_a_translation_names_the_same_facts():
    for entry in JAPANESE:
        for text in texts(entry):
            assert places(text) in (places(entry.msgid), places(entry.msgid_plural)), text


def places(text):
    return sorted(PLACE.findall(text))


def test_no_text_was_copied_instead_of_translated():
    copied = {entry.msgid for entry in JAPANESE if entry.msgid in texts(entry)}

    assert copied <= ALIKE


def test_a_code_a_command_and_a_setting_stand_in_the_translation_as_they_are():
    for entry in JAPANESE:
        for word in re.findall(
            r"manage\.py \w+|celery -A \w+ \w+|PHOTONEST_\w+|--[a-z]+", entry.msgid
        ):
            assert all(word in text for text in texts(entry)), (word, entry.msgid)


def test_what_is_compiled_is_what_is_written():
    compiled = polib.mofile(str((ROOT / CATALOGUE).with_suffix(".mo")))

    assert {key(entry): texts(entry) for entry in compiled} == {
        key(entry): texts(entry) for entry in JAPANESE
    }, "make messages compiles it"


def test_every_text_is_marked_by_a_name_that_the_extraction_knows():
    """makemessages looks for gettext_lazy and _, and passes over any other name for them."""
    for path in (*ROOT.glob("local_import/**/*.py"), *ROOT.glob("photonest/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
                assert {name.asname for name in node.names} <= {None, "_"}, path
