"""What people come for, from beginning to end, in a real browser on real files."""

import os

import pytest
from django.contrib.auth.models import User

from local_import import door, names, operations
from local_import.audit_logger import SYSTEM
from local_import.door import Step
from local_import.models import ImportItem, ImportSession, Media, OperationRun
from local_import.services import background, sessions
from tests.builders import make_session
from tests.consistency import time_passed
from tests.pages.conftest import PASSWORD, new_user
from tests.pages.world import World, routes
from tests.photos import jpeg

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 10_000


@pytest.fixture
def card(inbox, library, settings):
    """A card with photos, one of which was cut off, below the directory that may be imported from."""
    settings.PHOTONEST_SOURCES = (inbox,)
    card = inbox / "card"
    card.mkdir()
    for number in range(3):
        (card / f"{number}.jpg").write_bytes(jpeg(number))
    (card / "cut.jpg").write_bytes(jpeg(9)[:-200])
    return card


@pytest.fixture
def sign_in(chromium, live_server):
    """Signs in through the form, as a person does."""
    contexts = []

    def by_hand(role, locale="en-GB"):
        if not User.objects.filter(username=role).exists():
            new_user(role)
        context = chromium.new_context(base_url=live_server.url, locale=locale)
        contexts.append(context)
        page = context.new_page()
        page.goto("/")
        page.locator("#id_username").fill(role)
        page.locator("#id_password").fill(PASSWORD)
        page.locator("[type=submit]").click()
        return page

    yield by_hand
    for context in contexts:
        context.close()


def work():
    """What a worker in the background does when it is called."""
    for session in ImportSession.objects.runnable():
        background.advance(session.pk, should_stop=lambda: False)


def imported(card):
    """A session of the card that has come to its end."""
    session = sessions.create(os.fsencode(card))
    return sessions.run_to_end(session.pk, workers=1, actor=SYSTEM)


def test_a_newcomer_imports_a_card_and_sees_it_done(sign_in, card):
    page = sign_in("operator")
    page.get_by_role("link", name="Start an import").first.click()
    page.get_by_role("link", name=str(card.parent)).click()
    page.get_by_role("link", name="card", exact=True).click()
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("row", name="imported").get_by_text("3", exact=True).wait_for()
    page.get_by_role("button", name="Start the import").click()
    page.get_by_text("The import is started").wait_for()

    work()

    page.get_by_text("4 of 4 files at rest").wait_for()
    page.locator(".speed").get_by_text("file.place").wait_for()  # asked for once more
    assert Media.objects.count() == 3
    assert ImportSession.objects.get().state == "failed"


def test_a_failure_is_understood_and_cured_from_the_page_alone(sign_in, card):
    session = imported(card)
    page = sign_in("operator")
    page.goto(f"/import/sessions/{session.pk}/")
    page.get_by_text("damaged", exact=False).first.wait_for()

    (card / "cut.jpg").write_bytes(jpeg(9))  # a whole copy, as the advice says
    page.locator(".problem").get_by_role("link", name="Try again").first.click()
    page.get_by_role("button", name="Try again", exact=True).click()
    page.get_by_text("done", exact=False).first.wait_for()
    work()

    page.goto(f"/import/sessions/{session.pk}/")
    assert "imported" in page.locator(".state").first.inner_text()
    assert Media.objects.count() == 4


def test_an_import_is_canceled_in_the_middle(sign_in, card):
    session = sessions.create(os.fsencode(card))
    background.start(session.pk, actor=SYSTEM)
    page = sign_in("operator")
    page.goto(f"/import/sessions/{session.pk}/")

    page.get_by_role("link", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel", exact=True).click()
    work()

    page.goto(f"/import/sessions/{session.pk}/")
    assert "canceled" in page.locator(".state").first.inner_text()
    assert not Media.objects.exists()
    assert len(list(card.iterdir())) == 4


def test_an_import_is_undone_by_a_maintainer_and_not_by_an_operator(sign_in, card):
    session = imported(card)
    address = f"/import/sessions/{session.pk}/"
    operator = sign_in("operator")
    operator.goto(address)
    assert operator.get_by_role("button", name="Undo").is_disabled()

    page = sign_in("maintainer")
    page.goto(address)
    page.get_by_role("link", name="Undo", exact=True).click()
    page.get_by_role("button", name="Undo", exact=True).click()
    run = OperationRun.objects.get()
    operations.work(run.pk)

    page.goto(f"/import/operations/runs/{run.pk}/")
    page.get_by_text("done").first.wait_for()
    assert not Media.objects.exists()


def test_a_file_that_nobody_knows_is_found_set_aside_and_put_back(
    sign_in, card, library, monkeypatch
):
    imported(card)
    stray = library / "2019" / "stray.jpg"
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(jpeg(5))
    page = sign_in("maintainer")
    page.goto("/import/consistency/")
    page.get_by_role("link", name="Look at the files too").click()
    page.get_by_role("button", name="Look now", exact=True).click()
    page.wait_for_url("**/operations/runs/*/")
    with time_passed(monkeypatch):  # what is young may still be on its way into the catalogue
        finish_last_run()

    page.goto("/import/consistency/findings/?rule=stray_file")
    page.get_by_role("row").get_by_role("link").first.click()
    page.get_by_role("link", name="Repair", exact=True).click()
    page.get_by_role("button", name="Repair", exact=True).click()
    page.wait_for_url("**/operations/runs/*/")
    with time_passed(monkeypatch):
        finish_last_run()
    assert not stray.exists()
    page.goto("/import/consistency/findings/?rule=stray_file")
    page.get_by_text("No finding is like that").wait_for()

    page.goto("/import/consistency/quarantine/")
    page.get_by_role("link", name="Put back").click()
    page.get_by_role("button", name="Put back", exact=True).click()
    page.get_by_text("done").first.wait_for()
    assert stray.read_bytes() == jpeg(5)


def finish_last_run():
    operations.work(OperationRun.objects.latest("pk").pk)


def test_ten_thousand_failures_are_tried_again_by_one_button(sign_in):
    session = make_session("importing")
    make_many_failed(session)
    page = sign_in("operator")
    page.goto(f"/import/operations/retry/?target=session:{session.pk}")
    page.get_by_text("10,000").first.wait_for()

    page.get_by_role("button", name="Try again", exact=True).click()
    page.wait_for_url("**/operations/runs/*/")
    operations.work(OperationRun.objects.get().pk)

    page.reload()
    page.get_by_text("done").first.wait_for()
    assert ImportItem.objects.filter(state="pending").count() == MANY


def make_many_failed(session):
    rows = [
        ImportItem(session=session, path=b"%d" % n, path_digest=names.digest(b"%d" % n))
        for n in range(MANY)
    ]
    made = [row.pk for row in ImportItem.objects.bulk_create(rows)]
    failure = {"code": "damaged", "summary": "The photo is damaged."}
    step = Step("fail", "It is damaged.", {"error_code": "damaged", "failure": failure})
    for first in range(0, MANY, 500):
        part = made[first : first + 500]
        door.move_many([step], part, from_state="pending", session_id=session.pk, actor=SYSTEM)


def test_the_pages_speak_japanese_and_english(sign_in, card):
    session = imported(card)
    page = sign_in("viewer", locale="ja-JP")
    page.goto(f"/import/sessions/{session.pk}/")
    assert page.locator("html").get_attribute("lang") == "ja"

    page.get_by_role("button", name="English").click()

    assert page.locator("html").get_attribute("lang") == "en"
    page.reload()
    assert page.locator("html").get_attribute("lang") == "en"


def test_a_viewer_sees_what_is_wrong_and_no_place_on_the_server(sign_in, card):
    session = imported(card)
    page = sign_in("viewer")
    page.goto(f"/import/sessions/{session.pk}/")

    page.get_by_text("damaged file").first.wait_for()
    assert str(card) not in page.content()
    assert page.get_by_role("button", name="Try again").first.is_disabled()


def test_no_page_shows_a_viewer_a_place_on_the_server(client_of, card):
    session = imported(card)
    world, viewer = World(), client_of("viewer")
    world.session = session
    world.failed = ImportItem.objects.filter(session=session, state="failed").get()
    for route in routes():
        if route.startswith("import/"):
            answer = viewer.get(world.address(route))
            body = answer.getvalue() if answer.streaming else answer.content
            assert os.fsencode(card.parent) not in body, route
            assert b"Traceback" not in body, route
