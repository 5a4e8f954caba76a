"""Signing in: with a password, from one place, in one's own language and time zone."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from tests.pages.conftest import PASSWORD, new_user

WRONG = {"username": "operator", "password": "a wrong one"}
RIGHT = WRONG | {"password": PASSWORD}
SIGN_IN = "/admin/login/?next=/import/"


@pytest.fixture
def someone(db):
    return new_user("operator")


def test_the_right_password_leads_to_where_one_wanted_to_go(client, someone):
    assert client.post(SIGN_IN, RIGHT).url == "/import/"


def test_after_five_wrong_passwords_the_right_one_is_refused_too_and_the_page_says_what_to_do(
    client, someone
):
    for _ in range(5):
        client.post(SIGN_IN, WRONG)

    answer = client.post(SIGN_IN, RIGHT)

    assert answer.status_code == 429
    assert "axes_reset_username" in answer.content.decode()


def test_who_guesses_elsewhere_locks_nobody_out_here(client, someone):
    stranger = Client(REMOTE_ADDR="192.0.2.7")
    for _ in range(6):
        stranger.post(SIGN_IN, WRONG)

    assert client.post(SIGN_IN, RIGHT).url == "/import/"


def test_four_wrong_passwords_are_forgotten_after_the_right_one(client, someone):
    for _ in range(2):
        for _ in range(4):
            client.post(SIGN_IN, WRONG)
        assert client.post(SIGN_IN, RIGHT).url == "/import/"


def test_a_form_without_its_token_is_refused_in_words(someone):
    client = Client(enforce_csrf_checks=True)
    client.force_login(someone)

    answer = client.post("/language/setlang/", {"language": "ja"})

    assert answer.status_code == 403
    assert "Nothing was changed" in answer.content.decode()


@pytest.mark.parametrize(
    "zone", ["", "No/Where", "../../etc/passwd", "A" * 5_000, r'"\000"', "Asia"]
)
def test_a_zone_that_there_is_not_is_the_servers(viewer, zone):
    known = viewer.cookies.output(attrs=[], header="", sep=";")

    answer = viewer.get("/import/", headers={"cookie": f"{known}; zone={zone}"})

    assert answer.status_code == 200


def test_times_are_told_in_the_zone_of_the_browser(screen):
    page = screen("viewer", "/import/", timezone_id="Asia/Tokyo")
    page.reload()

    assert page.locator("#as-of").get_attribute("datetime").endswith("+09:00")


def test_the_first_page_after_signing_in_tells_times_in_the_zone_of_the_browser(
    chromium, live_server, someone
):
    context = chromium.new_context(base_url=live_server.url, timezone_id="Asia/Tokyo")
    page = context.new_page()
    page.goto("/import/")
    page.locator("#id_username").fill("operator")
    page.locator("#id_password").fill(PASSWORD)
    with page.expect_navigation():
        page.locator("[type=submit]").click()

    asked = datetime.now(ZoneInfo("Asia/Tokyo"))
    shown = page.locator("#as-of").inner_text()
    context.close()

    assert shown in {f"{asked - timedelta(seconds=s):%H:%M:%S}" for s in range(-2, 30)}
