"""The first page after signing in."""

from datetime import timedelta

from django.utils import timezone

from local_import import door
from local_import.door import Step
from local_import.models import Alert, AlertRule, ImportSession, Worker
from tests.builders import make_item, make_session, walk


def test_the_root_leads_to_the_overview(viewer):
    assert viewer.get("/", follow=True).redirect_chain == [("/import/", 302)]


def test_who_is_not_signed_in_is_sent_to_sign_in(client, db):
    assert client.get("/import/").url == "/admin/login/?next=/import/"


def test_who_has_no_role_is_told_so(client_of):
    answer = client_of(None).get("/import/")

    assert answer.status_code == 403
    assert "Not for your role" in answer.content.decode()


def test_a_part_is_drawn_alone_and_not_again_while_it_is_the_same(viewer):
    part = viewer.get("/import/?part=running")
    mark = part.content.decode().partition("seen=")[2].partition('"')[0]

    assert "<html" not in part.content.decode()
    assert viewer.get(f"/import/?part=running&seen={mark}").status_code == 204
    assert viewer.get("/import/?part=nothing").status_code == 404


def test_a_part_that_is_asked_for_after_the_sign_in_ended_is_no_login_form(client, db):
    answer = client.get("/import/?part=running", headers={"HX-Request": "true"})

    assert answer.status_code == 401


def test_the_running_sessions_are_kept_up_to_date_in_the_browser(screen):
    page = screen("viewer", "/import/")
    page.get_by_text("No import is running.").wait_for()

    make_session("importing", label="Card 1")

    page.get_by_role("link", name="Card 1").wait_for(timeout=10_000)
    assert page.locator("#stale").is_hidden()


def overview(client):
    return client.get("/import/").content.decode()


def test_with_nothing_there_the_next_step_is_told(operator, viewer):
    assert "Nothing needs you" in overview(operator)
    assert 'href="/import/start/"' in overview(operator)
    assert "import_photos DIRECTORY" in overview(viewer)


def test_what_needs_somebody_stands_first(operator, db):
    session = make_session("importing", label="Card 2")
    make_item(session, b"f.jpg", "failed")
    walk(session)
    text = overview(operator)

    assert text.index("Needs attention") < text.index("1 file failed") < text.index(">Running<")
    assert f'href="/import/sessions/{session.pk}/items/?state=failed"' in text
    assert "damaged file" in text


def test_a_session_in_error_is_told_with_its_cause_to_those_who_may_know_it(operator, viewer):
    values = {"error_code": "disk_full", "failure": {"summary": "The disk of /srv is full."}}
    door.move(ImportSession, make_session("ready").pk, Step("break_off", "No room.", values))

    assert "The disk of /srv is full." in overview(operator)
    assert "/srv" not in overview(viewer)
    assert "disk full" in overview(viewer)


def test_alerts_that_fire_stand_above_all(operator, viewer, db):
    now = timezone.now()
    alert_rule = AlertRule.objects.get_or_create(
        code="disk_runway",
        defaults={
            "threshold": 1,
            "window_minutes": 1,
            "pending_minutes": 1,
            "cooldown_minutes": 1,
        },
    )[0]
    alike = {"rule": alert_rule, "severity": "high", "began_at": now, "last_seen_at": now}
    Alert.objects.create(cause="a", state="firing", summary="/srv is full.", fired_at=now, **alike)
    Alert.objects.create(cause="b", state="pending", summary="Soon.", **alike)

    assert overview(operator).index("/srv is full.") < overview(operator).index("Needs attention")
    assert "Soon." not in overview(operator)
    assert "disk_runway" in overview(viewer)
    assert "/srv" not in overview(viewer)


def test_a_worker_that_was_not_heard_of_is_silent(viewer, db):
    now = timezone.now()
    alike = {"host": "host", "pid": 1, "version": "1", "started_at": now}
    assert "None is at work." in overview(viewer)

    Worker.objects.create(name="host:1:1", heartbeat_at=now, **alike)
    Worker.objects.create(name="host:2:1", heartbeat_at=now - timedelta(hours=1), **alike)

    assert "at work, last heard of" in overview(viewer)
    assert "1 is silent" in overview(viewer)


def test_the_disk_is_compared_with_what_is_still_to_come(viewer, db):
    make_session("importing")
    ImportSession.objects.update(bytes_found=10**18, counted_at=timezone.now())

    text = overview(viewer)

    assert "running imports may need" in text
    assert text.count("card-warning") == 3


def test_the_overview_asks_little(client, django_user_model, django_assert_max_num_queries):
    someone = django_user_model.objects.create_user("someone")
    for number in range(30):
        session = make_session("importing", label=f"S{number}", created_by=someone)
        make_item(session, b"%d.jpg" % number, ("failed", "pending")[number % 2])
        walk(session)
    client.force_login(django_user_model.objects.create_superuser("root"))
    client.get("/import/")
    with django_assert_max_num_queries(12):
        client.get("/import/")
    for part in ("alerts", "attention", "running", "machinery", "finished"):
        with django_assert_max_num_queries(5):
            assert client.get(f"/import/?part={part}").status_code == 200
