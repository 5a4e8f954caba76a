"""What holds for every page: everybody can use it, on any screen, in the light and in the dark.

`--screenshots DIRECTORY` keeps what was seen.
"""

import logging
import re

import pytest
from django.template import Context

from local_import.pages.links import address_of
from tests.builders import make_item, make_session
from tests.pages.world import World, routes

SCREENS = {"wide": (1200, 900), "narrow": (360, 720)}
ADMIN = ("admin/", "admin/local_import/importitem/", "admin/local_import/importsession/")


def addresses(world):
    """Of each page of the desk, and of some of the admin's own, that answers with a page."""
    found = {route: world.address(route) for route in routes() if route.startswith("import/")}
    return found | {route: world.address(route) for route in ADMIN}


def is_page(client, address):
    answer = client.get(address)
    return answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html")


def told(violations):
    """One line for each rule that is broken, with the first place."""
    return [f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]}" for one in violations]


@pytest.mark.parametrize("colors", ["light", "dark"])
@pytest.mark.parametrize("width", SCREENS)
def test_every_page_can_be_used_by_everybody(screen, maintainer, pytestconfig, colors, width):
    from axe_playwright_python.sync_playwright import Axe

    world, wrong = World(), []
    size = dict(zip(("width", "height"), SCREENS[width], strict=True))
    page = screen("maintainer", "/import/", viewport=size, color_scheme=colors)
    for route, address in addresses(world).items():
        if not is_page(maintainer, address):
            continue
        page.goto(address)
        problems = told(Axe().run(page).response["violations"])
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            problems.append("it is wider than the screen")
        wrong += [f"{route}: {problem}" for problem in problems]
        keep(page, pytestconfig, f"{re.sub(r'[^a-z]+', '-', route).strip('-')}-{colors}-{width}")

    assert not wrong, "\n".join(wrong)


def keep(page, config, name):
    if directory := config.getoption("--screenshots"):
        page.screenshot(path=f"{directory}/{name}.png", full_page=True)


# Of one page in several cases, or of a template that others include.
OPTIONAL = {
    *("subtitle", "explained", "explanation", "candidates", "too_long", "wrong", "trouble"),
    *("text", "of"),
}


def test_no_template_asks_for_what_there_is_not(client_of, role, caplog):
    """Django draws nothing for a name that is not known; only its log tells."""
    caplog.set_level(logging.DEBUG, logger="django.template")
    world, client = World(), client_of(role)
    for address in addresses(world).values():
        if address.startswith("/import/") and is_page(client, address):
            draw_all(client, address)

    missed = [one for one in caplog.records if one.name == "django.template"]
    assert len(missed) > 10  # what is optional is among them
    assert [told for told in map(missing_name, missed) if told] == []


def draw_all(client, address):
    text = client.get(address).content.decode()
    for part in re.findall(r'id="part-([a-z_]+)"', text):
        client.get(address, {"part": part})


def missing_name(record):
    """Empty for what may be missing: a key of a dictionary, or of nothing at all."""
    name, template = record.args
    asked = record.exc_info[1].params[1]
    if isinstance(asked, Context):
        return "" if name in OPTIONAL else f"{name} in {template}"
    return "" if asked is None or isinstance(asked, dict | list) else f"{name} of {asked!r}"


def test_every_page_is_titled_and_has_one_heading_and_a_way_past_the_navigation(maintainer):
    world = World()
    for address in addresses(world).values():
        if not is_page(maintainer, address):
            continue
        text = maintainer.get(address).content.decode()

        assert len(re.findall(r"<h1[ >]", text)) <= 1 or address.startswith("/admin/"), address
        assert re.search(r"<title>\s*[^|\s][^|]*\|", text), address
        assert 'href="#content-start"' in text, address


def test_no_page_has_a_script_or_a_style_that_the_policy_would_stop(maintainer):
    world = World()
    for address in addresses(world).values():
        answer = maintainer.get(address)
        text = answer.content.decode() if is_page(maintainer, address) else ""

        policy = answer.headers["Content-Security-Policy"]
        assert re.search(r"default-src '(self|none)'", policy), address
        if not address.startswith("/admin/"):
            assert not re.findall(r"<script(?![^>]*src=)", text), address
            assert not re.findall(r"<[a-z][^>]* (?:style|on[a-z]+|hx-on[^=]*)=", text), address


def moving():
    """The addresses of a session that runs with nobody at it, and of a file that waits in it."""
    waits = make_item(session := make_session("importing"), b"waits.jpg")
    for number in range(3):
        make_item(session, b"%d/f.jpg" % number, "failed")
    session_address = address_of(f"session:{session.pk}")
    return (session_address, f"{session_address}why/", address_of(f"item:{waits.pk}"))


def test_every_page_asks_little_of_the_database(operator, django_assert_max_num_queries):
    world = World()
    operator.get("/import/")
    for address in (*addresses(world).values(), *moving()):
        if is_page(operator, address) and not address.startswith("/admin/"):
            # On the overview one of them asks how long files wait that changed a moment ago.
            with django_assert_max_num_queries(13, info=address):
                text = operator.get(address).content.decode()
            for part in re.findall(r'id="part-([a-z_]+)"', text):
                with django_assert_max_num_queries(12, info=f"{part} of {address}"):
                    operator.get(address, {"part": part})


def test_what_is_asked_again_and_again_asks_less(operator, django_assert_max_num_queries):
    world, found = World(), 0
    operator.get("/import/")
    for address in (*addresses(world).values(), *moving()):
        if not is_page(operator, address) or address.startswith("/admin/"):
            continue
        text = operator.get(address).content.decode()
        for part in re.findall(r'id="part-([a-z_]+)" class="part" data-live', text):
            found += 1
            with django_assert_max_num_queries(5, info=f"{part} of {address}"):
                operator.get(address, {"part": part})
    assert found > 15
