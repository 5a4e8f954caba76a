"""One of everything that a page can show, and the address of every page for it."""

import re

from django.apps import apps
from django.db.models import Model
from django.urls import URLResolver, get_resolver
from django.utils import timezone

from local_import import door, metrics
from local_import.alerts.rules import all_rules
from local_import.counting import histogram
from local_import.door import Step
from local_import.models import Alert, Finding, ImportItem, ImportSession, OperationRun, Worker
from local_import.models.metric_bucket import Measure
from local_import.state_machine import declared
from local_import.states import ItemState
from tests.builders import make_item, make_session

_ARGUMENT = re.compile(r"<(?:\w+:)?\w+>|\(\?P<\w+>[^)]*\)")


def routes():
    """Every address that the resolver knows, as it is written in the code."""
    return sorted(set(_below(get_resolver(), "")))


def _below(resolver, prefix):
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _below(entry, route)
        else:
            yield route


class World:
    """A session with an item in each state, what belongs to them, and nothing else."""

    def __init__(self, label="Card 1"):
        self.session = make_session("failed", label=label)
        names = (f"{state}.jpg".encode() for state in ItemState.values)
        self.items = [make_item(self.session, next(names), state) for state in ItemState.values]
        self.failed = next(item for item in self.items if item.state == ItemState.FAILED)
        self._fail_again()
        now = timezone.now()
        Worker.objects.create(
            name="host:1:1", host="host", pid=1, version="1", started_at=now, heartbeat_at=now
        )
        Finding.objects.create(
            rule="session_state",
            severity="high",
            about="session",
            key=str(self.session.pk),
            digest="x",
            session_id=self.session.pk,
            summary="It is not what its items say.",
            proposal="Synchronise it.",
            first_seen_at=now,
            last_seen_at=now,
        )

        rule = next(rule for rule in all_rules() if rule.code == "session_failed")
        self.alert = Alert.objects.create(
            rule=rule,
            cause="session:1",
            state="firing",
            severity="high",
            summary="Session 1 has failed.",
            advice="See why.",
            target=f"session:{self.session.pk}",
            began_at=now,
            last_seen_at=now,
            fired_at=now,
        )
        self.run = OperationRun.objects.create(
            name="retry", target=f"session:{self.session.pk}", key="world", actor="operator"
        )
        self._take_picture()
        self._measure()

    def _take_picture(self):
        found = histogram(self.session.pk)
        rows = ImportSession.objects.filter(pk=self.session.pk)
        rows.update(counts=found.counts, stops=found.stops, counted_at=timezone.now())
        self.session = rows.get()

    def _measure(self):
        measured = metrics.Measurements()
        ids = [item.pk for item in self.items]
        for measure in (Measure.WAIT, Measure.ANALYSE, Measure.PLACE, Measure.BATCH):
            measured.of(measure, format="jpeg").add_all([3.0, 5.0, 40.0])
        file = Measure.FILE
        measured.of(file, format="jpeg").add_all([9.0, 7.0], size_bytes=9_000, item_ids=ids[:2])
        failed = measured.of(file, format="jpeg", code="damaged")
        failed.add_all([2.0], failed=True, item_ids=[self.failed.pk])
        measured.write()

    def _fail_again(self):
        """By a failure of which everything is known, and an incident."""
        failure = {
            "code": "damaged",
            "severity": "medium",
            "category": "content",
            "retryable": True,
            "summary": "The photo is damaged.",
            "diagnosis": "It never ends.",
            "recommended_actions": ["Look for a whole copy."],
            "actions": [{"code": "look", "text": "Look for a whole copy.", "command": "ls"}],
            "evidence": {"path": "/inbox/failed.jpg"},
            "seen": ["It has 12 bytes."],
            "seen_at": timezone.now().isoformat(),
        }
        door.move(
            ImportItem,
            self.failed.pk,
            Step(declared(ImportItem)["failed", "pending"], "Once more."),
        )
        values = {"error_code": "damaged", "failure": failure}
        self.failed = door.move(ImportItem, self.failed.pk, Step("fail", "It is damaged.", values))

    def address(self, route):
        """The route with the numbers of what there is."""
        address = "/" + _ARGUMENT.sub(lambda found: self._value(route, found), route).strip("^$")
        return f"{address}?target=session:{self.session.pk}" if "<slug:name>" in route else address

    def _value(self, route, found):
        kinds = {
            "sessions": self.session.pk,
            "items": self.failed.pk,
            "incidents": self.failed.incident_id,
            "findings": Finding.objects.first().pk,
            "runs": self.run.pk,
            "alerts": self.alert.pk,
        }
        before = route[: found.start()].strip("/^").split("/")
        if len(before) == 3 and before[2] in (models := apps.all_models.get(before[1], {})):
            return str(_first(models[before[2]]))
        words = {
            "app_label": "local_import",
            "slug:name": "pause",
            "str:form": "csv",
            "str:code": "no_worker",
        }
        if word := next((words[one] for one in words if one in found[0]), ""):
            return word
        return str(kinds.get(before[-1], "1"))


def _first(model: type[Model]):
    return model._default_manager.values_list("pk", flat=True).order_by("pk").first() or 1
