"""The reference pages say what the code says, and every link between pages leads somewhere."""

from __future__ import annotations

import argparse
import ast
import re
from pathlib import Path

import pytest
from django.core.management import BaseCommand, get_commands, load_command_class
from django.utils import translation
from django.utils.functional import Promise

from local_import.alerts.rules import SIGNALS
from local_import.consistency.look import RULES
from local_import.errors import CATALOGUE, ErrorCode
from local_import.errors.page import page
from local_import.models.alert import AlertState
from local_import.states import SkipReason

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
COMMANDS = (
    *("import_photos", "import_status", "import_report", "import_retry", "import_incidents"),
    *("explain", "import_item", "import_operation", "import_recheck", "audit_log"),
    *("check_consistency", "repair_consistency", "accept_finding", "quarantine", "purge_audit_log"),
    *("rebuild_library", "doctor", "import_metrics", "alerts"),
)


def pages():
    return sorted(DOCS.rglob("*.md"))


def reference(name):
    return (DOCS / "reference" / name).read_text(encoding="utf-8")


def rows(text):
    """The rows of all tables, as lists of cells; a header row and its ruler are among them."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))] for line in lines
    ]


def rows_by_code(text):
    return {row[0].strip("`"): row[1:] for row in rows(text) if row[0].startswith("`")}


def section(text, heading):
    """What stands below a heading of the second level; empty when there is none."""
    parts = re.split(r"^## ", text, flags=re.MULTILINE)
    return next((part for part in parts[1:] if part.splitlines()[0].strip() == heading), "")


def test_the_page_of_error_codes_is_the_one_that_the_catalogue_makes():
    assert reference("error-codes.md") == page(), "make docs writes it anew"


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_code_has_all_its_parts(code):
    entry = CATALOGUE[code]

    assert entry.is_complete
    assert entry.page.partition("#")[0] in {str(found.relative_to(DOCS)) for found in pages()}
    assert all(isinstance(text, Promise) for text in (entry.summary, entry.diagnosis))
    for action in entry.actions:
        assert isinstance(action.text, Promise)
        assert re.fullmatch(r"[a-z_]+", action.code)
        assert ("{command}" in str(action.text)) == bool(action.command), action.code


def test_every_skip_reason_is_a_code_as_well():
    assert set(SkipReason.values) <= set(ErrorCode.values)


def settings_in_the_code():
    """The names of environment variables, found as literals in the modules that read them."""
    literals = set()
    for name in ("env.py", "settings.py"):
        tree = ast.parse((ROOT / "photonest" / name).read_text(encoding="utf-8"))
        texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
        literals |= {text for text in texts if isinstance(text, str)}
    return {
        text
        for text in literals
        if re.fullmatch(r"PHOTONEST_[A-Z_]+|DATABASE_URL|CELERY_BROKER_URL", text)
    }


def test_the_page_of_settings_lists_all_variables_and_no_others():
    assert set(rows_by_code(reference("settings.md"))) == settings_in_the_code()


def test_the_example_environment_lists_all_variables_and_no_others():
    example = (ROOT / ".env.example").read_text(encoding="utf-8")

    named = set(re.findall(r"^#?\s*([A-Z][A-Z_]+)=", example, flags=re.MULTILINE))

    assert named == settings_in_the_code()


def own_arguments(name):
    """The actions that a command adds to those of every Django command."""
    common = {action.dest for action in BaseCommand().create_parser("manage.py", name)._actions}
    parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
    shown = [action for action in parser._actions if action.help != argparse.SUPPRESS]
    return [action for action in shown if action.dest not in common]


def written_name(action):
    """An option by its long name, a positional argument in capitals, as the page writes them."""
    if action.option_strings:
        return max(action.option_strings, key=len)
    return str(action.metavar or action.dest).upper()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_page_of_commands_lists_all_arguments_of_a_command_and_no_others(name):
    documented = set(rows_by_code(section(reference("commands.md"), name)))

    assert documented == {written_name(action) for action in own_arguments(name)}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_page_of_commands_names_each_value_that_an_option_takes(name):
    by_name = rows_by_code(section(reference("commands.md"), name))

    for action in own_arguments(name):
        text = " ".join(by_name[written_name(action)])
        missing = [value for value in action.choices or () if f"`{value}`" not in text]
        # The ten states, and the rules, stand in their own pages.
        elsewhere = "states.md" in text or "consistency-rules.md" in text
        assert missing == [] or elsewhere, written_name(action)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_usage_line_of_a_command_names_each_argument(name):
    usage = section(reference("commands.md"), name).split("```")[1]

    for action in own_arguments(name):
        assert written_name(action) in usage


class InCapitals(dict):
    def __missing__(self, name):
        return name.upper()


@pytest.mark.parametrize("code", list(RULES))
def test_the_page_of_consistency_rules_says_of_each_rule_what_the_code_says(code):
    rule = RULES[code]
    who = "by itself" if rule.automatic else "when asked" if rule.repair else "a person"

    severity, depth, repaired, *texts = rows_by_code(reference("consistency-rules.md"))[code]

    assert (severity, depth, repaired) == (rule.severity, rule.depth.name.lower(), who)
    with translation.override("en"):
        said = [
            str(text).format_map(InCapitals()).replace("|", r"\|") or "–"
            for text in (rule.sentence, rule.proposal, rule.advice)
        ]
    assert texts == said


def test_the_page_of_consistency_rules_lists_all_rules_and_no_others():
    assert set(rows_by_code(reference("consistency-rules.md"))) == set(RULES)


@pytest.mark.parametrize("code", list(SIGNALS))
def test_the_page_of_alert_rules_says_of_each_rule_what_the_code_says(code):
    signal = SIGNALS[code]
    with translation.override("en"):
        said = [str(text).format_map(InCapitals()) for text in (signal.sentence, signal.advice)]
        fires = f"{signal.threshold:g} {signal.unit}"
    numbers = [signal.window_minutes, signal.pending_minutes, signal.cooldown_minutes]

    row = rows_by_code(reference("alert-rules.md"))[code]

    assert row == [signal.severity, fires, *map(str, numbers), *said]


def test_the_page_of_alert_rules_lists_all_rules_and_states_and_no_others():
    page = reference("alert-rules.md")
    listed = {row[0].strip("`") for row in rows(page.partition("## States")[0])}

    assert listed - {"Rule", "---"} == set(SIGNALS)
    assert set(rows_by_code(section(page, "States of an alert"))) == set(AlertState.values)


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(DOCS)))
def test_every_link_of_a_page_leads_to_a_file_and_a_heading(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page

        assert linked.is_file(), f"{target} leads nowhere"
        assert not anchor or anchor in anchors(linked), f"{target} has no such heading"


def anchors(page):
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.strip().replace(" ", "-") for heading in plain}


def test_the_index_leads_to_every_page():
    index = (DOCS / "README.md").read_text(encoding="utf-8")

    linked = {(DOCS / target).resolve() for target in re.findall(r"\]\(([^)\s]+\.md)\)", index)}

    assert linked == set(pages()) - {DOCS / "README.md"}
