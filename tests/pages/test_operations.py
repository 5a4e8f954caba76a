"""Acting from the pages: shown before, done once, told afterwards."""

import pytest

from local_import import operations
from local_import.models import AuditLog, ImportItem, ImportSession, OperationRun
from tests.builders import make_item, make_session
from tests.pages.world import World

pytestmark = pytest.mark.django_db


def page(name, target):
    return f"/import/operations/{name}/?target={target}"


@pytest.fixture
def failed(db):
    session = make_session("importing")
    return make_item(session, state="failed")


def test_a_preview_says_what_would_be_done_and_does_nothing(operator, failed):
    text = operator.get(page("retry", f"item:{failed.pk}")).content.decode()

    assert "wait for a worker again" in text
    assert failed.shown_path in text
    assert ImportItem.objects.get(pk=failed.pk).state == "failed"
    assert not OperationRun.objects.exists()


def test_what_was_asked_for_is_done_with_its_reason_and_told_on_the_next_page(operator, failed):
    address = page("retry", f"session:{failed.session_id}")

    answer = operator.post(address, {"key": "one", "reason": "The card is back."}, follow=True)

    assert answer.redirect_chain == [(f"/import/sessions/{failed.session_id}/", 302)]
    assert "Try again: done, 1 file." in answer.content.decode()
    assert ImportItem.objects.get(pk=failed.pk).state == "pending"
    assert AuditLog.objects.filter(action="item.requeue", message="The card is back.").exists()


def test_a_double_click_does_it_once(operator, failed):
    for _ in range(2):
        operator.post(page("pause", f"session:{failed.session_id}"), {"key": "one"})

    assert OperationRun.objects.count() == 1
    assert AuditLog.objects.filter(action="session.pause").count() == 1


def test_each_form_has_a_key_of_its_own(operator, failed):
    keys = {
        operator.get(page("pause", f"session:{failed.session_id}")).context["key"] for _ in "ab"
    }

    assert len(keys) == 2


def test_what_is_not_possible_says_why_not_and_has_no_button(operator, failed):
    text = operator.get(page("import_anyway", f"item:{make_item(name=b'b').pk}")).content.decode()

    assert "Only a file that failed because it is damaged" in text
    assert '<form method="post">' not in text


def test_what_became_impossible_meanwhile_is_refused_on_the_page(operator, failed):
    address = page("pause", f"session:{failed.session_id}")
    operator.get(address)
    operator.post(page("cancel", f"session:{failed.session_id}"), {"key": "first"})

    answer = operator.post(address, {"key": "second"})

    assert answer.status_code == 409
    assert ImportSession.objects.get(pk=failed.session_id).paused_at is None


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("fly", "session:1"),
        ("pause", ""),
        ("pause", "session:999999"),
        ("pause", f"session:{10**30}"),
        ("pause", "item:1"),
        ("retry", "items:" + "1," * 2_000),
        ("retry", "session:1:<script>"),
        ("restore", "quarantine:../../etc/passwd"),
    ],
)
def test_what_there_is_not_is_told_so(maintainer, failed, name, target):
    for answer in (maintainer.get(page(name, target)), maintainer.post(page(name, target), {})):
        possible = answer.status_code == 200 and answer.context["preview"].possible
        assert answer.status_code in (404, 409) or not possible
        assert "<script>" not in answer.content.decode().replace("<script src", "")
    assert not OperationRun.objects.exists()


def test_a_viewer_sees_the_buttons_disabled_and_may_press_none(viewer, failed):
    address = page("pause", f"session:{failed.session_id}")

    shown = viewer.get(f"/import/sessions/{failed.session_id}/").content.decode()

    assert "Not for your role." in shown
    assert "/import/operations/pause/" not in shown
    assert viewer.get(address).status_code == viewer.post(address, {}).status_code == 403


def test_only_a_maintainer_undoes(operator, maintainer):
    session = World().session

    assert operator.get(page("undo", f"session:{session.pk}")).status_code == 403
    assert maintainer.get(page("undo", f"session:{session.pk}")).status_code == 200


def test_many_files_are_done_in_the_background_and_can_be_stopped(operator, failed, monkeypatch):
    monkeypatch.setattr(operations.runs, "AT_ONCE", 0)
    address = page("retry", f"session:{failed.session_id}")

    started = operator.post(address, {"key": "one"})
    run = OperationRun.objects.get()
    stopped = operator.post(f"/import/operations/runs/{run.pk}/cancel/")

    assert started.url == stopped.url == f"/import/operations/runs/{run.pk}/"
    assert OperationRun.objects.get().state == "canceled"
    assert ImportItem.objects.get(pk=failed.pk).state == "failed"
    assert "canceled" in operator.get("/import/operations/").content.decode()


def test_the_buttons_lead_a_person_through(screen, transactional_db):
    session = make_session("importing")
    page = screen("operator", f"/import/sessions/{session.pk}/")

    page.get_by_role("link", name="Pause", exact=True).click()
    page.get_by_label("Reason, for the audit log").fill("Lunch.")
    page.get_by_role("button", name="Pause", exact=True).click()

    page.get_by_text("Pause: done").wait_for()
    assert ImportSession.objects.get(pk=session.pk).paused_reason == "Lunch."
