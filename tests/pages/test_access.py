"""Who may ask for what: each address, method and role, as docs/reference/access.md says it."""

import re
from pathlib import Path

import pytest

from local_import.roles import ADDS
from tests.pages.world import World, routes

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "access.md"
ROW = re.compile(r"^\| `(?P<route>[^`]*)` \| (?P<method>GET|POST) \| (?P<answers>.+) \|$", re.M)
TABLE = {
    (row["route"], row["method"]): row["answers"].split(" | ")
    for row in ROW.finditer(PAGE.read_text(encoding="utf-8"))
}
PEOPLE = ("nobody", *ADDS)


def written(route):
    return route.replace("|", "/")  # which would end a column of the table


def word(answer):
    if answer.status_code == 302 and answer.url.startswith("/admin/login/"):
        return "sign in"
    return {401: "no", 403: "no", 405: "-", 500: "broken"}.get(answer.status_code, "yes")


def test_every_address_has_its_rows():
    assert set(TABLE) == {(written(one), method) for one in routes() for method in ("GET", "POST")}


@pytest.mark.parametrize("route", sorted({route for route, _method in TABLE}))
def test_the_table_is_right(client, client_of, route):
    clients = [client, *map(client_of, ADDS)]
    # Only now: who signs in leaves rows, and there are addresses for these too.
    address = World().address(next(one for one in routes() if written(one) == route))
    for method in ("GET", "POST"):
        answers = [getattr(one, method.lower())(address) for one in clients]

        assert dict(zip(PEOPLE, map(word, answers), strict=True)) == dict(
            zip(PEOPLE, TABLE[route, method], strict=True)
        )


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_no_page_knows_another_method(maintainer, method):
    world = World()
    for route in routes():
        if route.startswith("import/"):
            assert getattr(maintainer, method)(world.address(route)).status_code == 405, route
