"""The first page after signing in."""

from tests.builders import make_session


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
