"""List alerts, acknowledge them, mute a rule, and try whether somebody is told."""

from __future__ import annotations

import getpass
import json
import sys
from datetime import timedelta
from typing import Any, NoReturn

from django.core.management.base import CommandParser

from ...alerts import book, channels, evaluate, outbox, rules, tell
from ...audit_logger import Actor
from ...models import Alert, AlertRule
from ...transactions import database_now
from .. import alerts_text
from ..arguments import sentence, span
from ..desk_command import DeskCommand
from ..refusals import FAILED, wrong_use

ACTIONS = ("list", "rules", "acknowledge", "mute", "unmute", "test", "evaluate")


class Command(DeskCommand):
    help = (
        "List what is wrong (list) and what is watched (rules), let others know that one alert is seen "
        "to (acknowledge N), tell nobody of a rule for a while (mute RULE), send a test (test), or ask "
        "the rules and deliver (evaluate). Exit status: 0 nothing fires, or done; 1 something fires, or "
        "a test did not arrive; 2 wrong use."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=ACTIONS, help="what to do")
        parser.add_argument(
            "target",
            nargs="?",
            type=sentence,
            help="the number of an alert, or a rule",
        )
        parser.add_argument("--reason", type=sentence, help="why (a sentence)")
        parser.add_argument(
            "--for",
            dest="span",
            type=span,
            default=timedelta(days=1),
            metavar="SPAN",
            help="how long to mute: a number and s, m, h or d (default 24h)",
        )
        parser.add_argument("--all", action="store_true", help="list those resolved as well")
        parser.add_argument("--json", action="store_true", help="print JSON and nothing else")

    def handle(self, *, action: str, **options: Any) -> None:
        given = {name: options[name] or "" for name in ("target", "reason")}
        getattr(self, f"_{action}")(**options | given)

    def _list(self, **options: Any) -> None:
        told = tell.overview(resolved=options["all"])
        self._print(told, alerts_text.overview(told), options)
        if any(one["state"] in ("firing", "acknowledged") for one in told["alerts"]):
            sys.exit(FAILED)

    def _rules(self, **options: Any) -> None:
        told = tell.rules()
        self._print(told, alerts_text.rules(told), options)

    def _acknowledge(self, *, target: str, reason: str, **options: Any) -> None:
        if not (target.isdecimal() and reason.strip()):
            wrong_use('Write the number of an alert and a reason: acknowledge 3 --reason "…"')
        try:
            alert = book.acknowledge(int(target), actor=_actor(), reason=reason)
        except (Alert.DoesNotExist, OverflowError):
            wrong_use(f"No alert {target} fires. See: python manage.py alerts list")
        self._print(tell.alert(alert), f"Acknowledged: {alert.summary}", options)

    def _mute(self, *, target: str, reason: str, span: timedelta, **options: Any) -> None:
        if not reason.strip():
            wrong_use("To mute a rule, say why: --reason")
        until = database_now() + span
        try:
            rule = rules.mute(target, until=until, reason=reason, actor=_actor())
        except AlertRule.DoesNotExist:
            _no_rule(target)
        self._print(tell.rule(rule), f"{target} is muted until {until:%Y-%m-%d %H:%M}.", options)

    def _unmute(self, *, target: str, **options: Any) -> None:
        try:
            rule = rules.unmute(target, actor=_actor())
        except AlertRule.DoesNotExist:
            _no_rule(target)
        self._print(tell.rule(rule), f"{target} is not muted any more.", options)

    def _test(self, **options: Any) -> None:
        if not channels.configured():
            wrong_use(
                "Nobody is to be told. Set PHOTONEST_ALERT_EMAILS, PHOTONEST_ALERT_WEBHOOK or "
                "PHOTONEST_ALERT_APPRISE: see docs/howto/be-told-when-something-is-wrong.md"
            )
        told = [tell.notice(notice) for notice in outbox.send_test()]
        self._print(told, "\n".join(map(alerts_text.notice, told)), options)
        if any(one["state"] != "delivered" for one in told):
            sys.exit(FAILED)

    def _evaluate(self, **options: Any) -> None:
        done = evaluate.evaluate() | outbox.deliver()
        self._print(done, alerts_text.counts(done), options)

    def _print(self, told: Any, text: str, options: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(told, indent=2) if options["json"] else text)


def _actor() -> Actor:
    return Actor(f"command:{getpass.getuser()}")


def _no_rule(name: str) -> NoReturn:
    wrong_use(f"There is no rule {name!r}. See: python manage.py alerts rules")
