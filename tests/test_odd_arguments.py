"""Whatever is typed behind a command: it is done, or refused in words with an exit status."""

import os
import random
from itertools import product

import pytest
from django.core.management import CommandError, call_command

from tests.pages.world import World

pytestmark = pytest.mark.django_db(transaction=True)
ODD = (
    *("0", "-1", "9" * 23, "x", "", "é\udcff", "🦊" * 50, "'", "%", "a" * 5000, "../..", "{0}"),
    *("/nonexistent", "/dev/null", "\n", "1,2", "1", "-", "--", "1.5", "\u202e", "session:1"),
)
FORMS = (
    *("import_photos {} --dry-run", "import_photos --resume {}", "import_photos / --workers {}"),
    *("import_photos {} --mode {}", "import_status {}", "import_status 1 --state {}"),
    *("audit_log --session {}", "audit_log --item {}", "audit_log --category {}"),
    *("audit_log --limit {}", "explain {}", "explain item:{}", "explain session:{}"),
    *("import_report {}", "import_report 1 --format {}", "import_retry {}"),
    *("import_retry 1 --code {}", "import_retry --incident {}", "import_item {} retry"),
    *("import_item 1 {}", "import_item 1 retry --reason {}", "import_pause {}"),
    *("import_pause 1 --reason {}", "import_resume {}", "import_cancel {}", "import_undo {}"),
    *("import_recheck {}", "import_incidents --acknowledge {} --reason {}"),
    *("import_operation retry {}", "import_operation {} session:1", "import_operation check {}"),
    *("import_operation retry files:{}", "import_operation dismiss files:1:{}"),
    *("import_operation repair finding:{}", "import_operation restore quarantine:{}"),
    *("check_consistency --session {}", "repair_consistency --rule {}", "quarantine {}"),
    *("accept_finding {} --days 1 --reason x", "accept_finding 1 --days {} --reason {}"),
    *("quarantine restore {}", "purge_audit_log --days {}", "import_metrics --since {}"),
    *("alerts {}", "alerts mute {} --for 1h --reason x", "alerts mute no_worker --for {}"),
    *("alerts acknowledge {} --reason {}", "alerts unmute {}"),
)
SAMPLED = 150  # of about a thousand; all of them with --faults all


def test_no_argument_is_so_odd_that_a_command_fails(library, pytestconfig, capfd):
    World()
    library.mkdir()
    typed = list(product(FORMS, ODD))
    if pytestconfig.getoption("--faults") != "all":
        chosen = random.Random(pytestconfig.getoption("--faults-seed"))
        typed = chosen.sample(typed, SAMPLED)

    failed = {}
    for form, value in typed:
        words = [word.replace("{}", value) for word in form.split()]
        try:
            call_command(*words)
        except (SystemExit, CommandError) as end:
            assert str(end) != "", words
        except Exception as error:  # so that all of them are told of at once
            failed[(form, value[:30])] = repr(error)[:200]
        capfd.readouterr()

    assert failed == {}
    assert os.path.isdir(library)
