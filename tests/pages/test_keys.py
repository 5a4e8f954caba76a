"""Keys do what links and buttons do, and can be turned off."""

import pytest

from tests.pages.world import World


@pytest.fixture
def page(screen, transactional_db):
    World()
    return screen("viewer", "/import/")


def test_a_number_leads_to_a_section_and_j_and_enter_to_a_row(page):
    page.keyboard.press("2")
    page.wait_for_url("**/import/sessions/")

    page.keyboard.press("j")
    page.keyboard.press("Enter")

    page.wait_for_url("**/import/sessions/*/")


def test_the_list_of_keys_opens_and_closes_by_key_and_gives_the_focus_back(page):
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").wait_for()

    page.keyboard.press("2")
    page.keyboard.press("Escape")

    assert page.url.endswith("/import/")
    assert page.locator("dialog[open]").count() == 0


def test_keys_that_are_turned_off_do_nothing(page):
    page.keyboard.press("?")
    page.get_by_label("Turn these keys off in this browser").check()
    page.keyboard.press("Escape")

    page.keyboard.press("2")
    page.reload()
    page.keyboard.press("2")

    assert page.url.endswith("/import/")


def test_the_theme_and_the_live_view_are_switched_by_key(page):
    page.keyboard.press("r")
    page.keyboard.press("t")

    assert page.locator("#live").get_attribute("aria-pressed") == "false"
    assert page.locator("html").get_attribute("data-theme") in ("light", "dark")
