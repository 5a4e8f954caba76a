"""What is looked at before it is acted upon is still so when the act commits: SQLite has one writer,
and hides where a transaction of PostgreSQL rests on a row that another one changes meanwhile."""

import pytest

from local_import.audit_logger import Actor
from local_import.models import ImportItem, ImportSession
from local_import.pipeline.claim import claim
from local_import.services import control
from local_import.states import ITEM_IN_WORK
from tests.interleaving import interleave
from tests.photos import jpeg
from tests.test_sweep import started

pytestmark = pytest.mark.django_db(transaction=True)
OPERATOR = Actor("operator")
WORKER = Actor("host:1:1")
CLAIMED = r"UPDATE .?local_import_item"


@pytest.fixture
def session(inbox, library):
    for number in range(6):
        (inbox / f"{number}.jpg").write_bytes(jpeg(number))
    return started(inbox, "copy")


def in_work():
    return ImportItem.objects.filter(state__in=ITEM_IN_WORK).count()


def test_no_file_is_taken_of_a_session_that_was_answered_to_be_canceled(session):
    def cancel():
        answered = control.cancel(session.pk, actor=OPERATOR, reason="The wrong card.")
        return answered.state, in_work()

    taken, answered = interleave(lambda: claim(session.pk, WORKER), CLAIMED, cancel)

    assert answered != ("canceled", 0) or not taken
    assert (ImportSession.objects.get().state, in_work()) in [("canceled", 0), ("importing", 6)]


def test_whoever_claims_while_the_session_is_canceled_takes_nothing(session):
    def cancel():
        return control.cancel(session.pk, actor=OPERATOR, reason="The wrong card.").state

    answered, taken = interleave(cancel, r"INSERT INTO .*audit", lambda: claim(session.pk, WORKER))

    assert (answered, taken, in_work()) == ("canceled", [], 0)
