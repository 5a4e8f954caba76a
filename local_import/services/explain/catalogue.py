"""Every sentence that an explanation can say, and every action that it can offer, with stable codes.

The order is that of weight: what stands further up is said first. docs/reference/explanations.md is
held equal to this.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ...errors import Operation

Text = str | Promise


class About(TextChoices):
    """The question that a sentence answers."""

    STATE = "state", _("what it is")
    WHY = "why", _("why it is so")
    WAITS = "waits", _("what it waits for")
    NEXT = "next", _("what happens next")


STATE: dict[str, Text] = {
    "item_state": _("{path} is {state}, since {since}."),
    "session_state": _("Session {session} of {source} is {state}, since {since}."),
    "incident_state": _("Incident {incident} ({title}) is {state}, since {since}."),
    "media_state": _("{path} is in the library, since {since}; no item tells of it."),
    "not_recorded": _(
        "{path} lies below the source of session {session}, which has no item for it."
    ),
}
WHY: dict[str, Text] = {
    "failure": _("{summary} {diagnosis}"),
    "seen": _("{fact}"),
    "moved_by": _("It got there from {from_state} by {actor}: {message}"),
    "found_by": _("{actor} recorded it: {message}"),
    "history_gone": _("The audit row of that step is gone: old rows are purged."),
    "workers_died": _("Workers that died while they had it: {deaths}."),
    "skipped": _("It was deliberately not imported: {reason}."),
    "duplicate_of": _("Its bytes are in the library as {library_path}, since {since}."),
    "duplicate_brought_by": _("They were brought by item {item} of session {session}."),
    "imported_as": _("It is in the library as {library_path}: {size} bytes, SHA-256 {sha256}."),
    "source_fate": _("The source file {fate}."),
    "incident_open": _("Files of the session that fail: {number}, of one cause ({title})."),
    "one_of_incident": _(
        "Files that fail alike, this one among them: {number} (incident {incident})."
    ),
    "sessions_alike": _(
        "Sessions that the same cause stops, this one among them: {number} (incident {incident})."
    ),
    "incident_since": _(
        "It was first seen at {first} and last at {last}; failures so far: {count}."
    ),
    "incident_example": _("The failure seen last: {summary} {diagnosis}"),
    "incident_holds": _("Files that fail of it now: {files}; sessions they are in: {sessions}."),
    "acknowledged": _("{who} has known of it since {since}: {reason}"),
    "advice_record_here": _(
        "Files of it tried again so far: {tried}; of these imported: {imported}."
    ),
    "advice_record": _("After the same error anywhere: {tried} tried again, {imported} imported."),
    "counts": _("Its files, counted at {counted}: {counts}."),
    "left_out": _("It was left out when the source was walked: {reason}."),
    "came_later": _("It was last changed at {changed}, after the source was walked at {walked}."),
    "disk_silent": _("Its disk could not be looked at: {trouble}."),
    "not_on_disk": _("There is no such file on the disk now."),
    "not_walked": _("The source has not been walked to its end yet."),
    "walked_past": _("The source was walked to its end at {walked}; the file was not there then."),
    "also_known": _("The same is also known as {target}: {label}."),
}
WAITS: dict[str, Text] = {
    "session_error": _("Session {session} cannot go on: {summary}"),
    "session_breaking_off": _("Session {session} stops as soon as no file is in work: {summary}"),
    "session_canceled": _("Session {session} is canceled: its files are left alone."),
    "undo_under_way": _("{who} asked at {since} for session {session} to be undone: {reason}"),
    "cancel_under_way": _("Session {session} is being canceled, since {since}."),
    "paused": _("{who} paused session {session} at {since}: {reason}"),
    "not_confirmed": _("The source of session {session} is not confirmed yet."),
    "not_started": _("Session {session} was never started."),
    "session_behind": _("Session {session} is {state} although not all of its files are at rest."),
    "worker_gone": _("The worker {owner} has it, but that process does not exist any more."),
    "lease_over": _("The lease of the worker {owner} ended at {until}."),
    "worker_silent": _(
        "The worker {owner} has it until {until}, and was last heard of at {heard}."
    ),
    "worker_unknown": _("The worker {owner} has it until {until}; it tells of no heartbeat."),
    "worker_busy": _("The worker {owner} has it, and was heard of {age} ago."),
    "changed_lately": _(
        "It was changed a moment ago, so somebody may still write it. It is left alone until {due}, "
        "for {left} more."
    ),
    "young_files": _(
        "Files that were changed a moment ago, so that somebody may still write them: {number}. They "
        "are left alone for up to {seconds} s more."
    ),
    "due_later": _("It is to be tried again at {due}."),
    "same_bytes_moving": _("Its bytes are on their way by item {item} of session {session}."),
    "tables_misfit": _("{trouble}"),
    "broker_gone": _("The message broker cannot be reached: {trouble}"),
    "sweep_off": _("The sweep, which calls the workers, is switched off."),
    "sweep_silent": _("The sweep, which calls the workers, was last started at {last}."),
    "sweep_never": _("The sweep, which calls the workers, was never started by beat."),
    "no_worker_came": _(
        "Workers were called, last at {called}, and none came; calls so far: {number}."
    ),
    "workers_elsewhere": _("Workers alive: {number}, all of them at other sessions ({sessions})."),
    "workers_idle": _("Workers alive that can be called: {number}."),
    "no_worker_alive": _("No worker is at work anywhere now."),
    "workers_called": _("Workers were called at {called}; they may come any moment."),
    "workers_not_called": _("No worker has been called since the last one went."),
    "runner_gone": _("The process {runner} ran the session, and does not exist any more."),
    "being_walked": _("The process {runner} is walking the source; files can be taken meanwhile."),
    "workers_here": _("Workers at this session: {number}, last heard of {age} ago."),
    "runner_here": _("The process {runner} runs the session; it has said so until {until}."),
    "others_first": _("Files of the session that come before it: {number}."),
    "unexplained": _("Nothing that is known explains why it waits. That is a defect."),
}
NEXT: dict[str, Text] = {
    "next_done": _("Nothing is left to do for it."),
    "next_operator": _("Nothing happens by itself: it waits for an operator."),
    "next_release": _("The next sweep removes the source file: its copy is safe in the library."),
    "next_sweep": _("The next sweep takes it back, and offers it to another worker."),
    "next_worker": _("The next worker that is free takes it."),
    "next_undo": _("The undo goes on; when its process is gone, the next sweep finishes it."),
    "next_settles": _("The worker brings it to rest, or gives it back."),
    "next_reopens": _("Each sweep looks whether the cause is gone; then it goes on by itself."),
    "next_rests": _(
        "It is canceled as soon as no file is in work any more; now there are {number}."
    ),
    "next_resolves": _("It is resolved by itself once no file fails of it any more."),
    "next_sweep_looks": _("The next sweep looks at it again."),
    "next_derives": _("The next sweep moves the session to the state that its files call for."),
}
_GROUPS = {About.STATE: STATE, About.WHY: WHY, About.WAITS: WAITS, About.NEXT: NEXT}
SENTENCES: dict[str, tuple[About, Text]] = {
    code: (about, text) for about, group in _GROUPS.items() for code, text in group.items()
}
WEIGHT = {code: number for number, code in enumerate(SENTENCES)}


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that can be done: by an operation of the desk, or only outside of it."""

    text: Text
    operation: str = ""  # of errors.Operation
    shell: str = ""  # how a shell asks for the operation, or does it
    target: str = ""  # of the operation


OFFERS: dict[str, Offer] = {
    "resume_session": Offer(
        _("Go on with the session; what failed is tried again."),
        Operation.RESUME,
        "python manage.py import_resume {session}",
        "session:{session}",
    ),
    "run_session_here": Offer(
        _("Or go on with it in this terminal, without other workers."),
        "",
        "python manage.py import_photos --resume {session}",
    ),
    "finish_undo": Offer(
        _("Finish the undo."),
        Operation.UNDO,
        "python manage.py import_undo {session}",
        "session:{session}",
    ),
    "retry_incident": Offer(
        _("Once the cause is gone, try all of incident {incident} again ({number})."),
        Operation.RETRY,
        "python manage.py import_retry --incident {incident}",
        "incident:{incident}",
    ),
    "acknowledge_incident": Offer(
        _("Let others know that somebody sees to it."),
        Operation.ACKNOWLEDGE,
        "python manage.py import_incidents --acknowledge {incident} --reason REASON",
        "incident:{incident}",
    ),
    "sweep": Offer(_("Sweep now."), "", "python manage.py sweep"),
    "start_worker": Offer(
        _("See that a worker runs; by hand this starts one."),
        "",
        "celery -A photonest worker --without-gossip --without-mingle",
    ),
    "start_beat": Offer(
        _("See that beat runs; by hand this starts it."), "", "celery -A photonest beat"
    ),
    "switch_sweep_on": Offer(_("Switch the sweep on, in the admin under Periodic tasks.")),
    "check_broker": Offer(_("Start the message broker, or correct CELERY_BROKER_URL.")),
    "import_source": Offer(
        _("Import the source again: what is there already is skipped."),
        "",
        "python manage.py import_photos {source_quoted}",
    ),
    "rescan_source": Offer(
        _("Look through the source again: what is there already is skipped."),
        Operation.RESCAN,
        "python manage.py import_photos {source_quoted}",
        "session:{session}",
    ),
    "see_session": Offer(_("See the session."), "", "python manage.py explain session:{session}"),
    "see_audit": Offer(
        _("See all that happened to it."), "", "python manage.py audit_log --item {item}"
    ),
    "report_defect": Offer(_("If it still waits after a sweep, report what is said here.")),
}
