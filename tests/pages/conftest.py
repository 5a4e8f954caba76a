"""People in front of the pages: one of each role, with a client that asks or a browser that shows."""

import functools
import os
import shutil

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
from django.test import Client

from local_import.roles import ADDS

# Playwright's own loop runs in the test's thread; the queries there are the test's own.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
PASSWORD = "a long pass phrase"
CHROMIUM = shutil.which("chromium")


hashed = functools.cache(make_password)  # slow by design, and the same each time


def new_user(role):
    """A member of the staff with one role; `None`: with no role at all."""
    user = User.objects.create(username=str(role), password=hashed(PASSWORD), is_staff=True)
    if role:
        user.groups.add(Group.objects.get(name=role))
    return user


@pytest.fixture
def client_of(db):
    """Gives the client of somebody with a role; the same one each time."""
    clients = {}

    def client(role):
        if role not in clients:
            clients[role] = Client()
            clients[role].force_login(new_user(role))
        return clients[role]

    return client


@pytest.fixture(params=list(ADDS))
def role(request):
    return request.param


@pytest.fixture
def viewer(client_of):
    return client_of("viewer")


@pytest.fixture
def operator(client_of):
    return client_of("operator")


@pytest.fixture
def maintainer(client_of):
    return client_of("maintainer")


@pytest.fixture(scope="module")
def chromium():
    """Debian's Chromium; .ci/run installs it.

    Not for the whole session: as long as Playwright is there, its event loop seems to run in this thread, and
    Django keeps other connections then than in processes that are forked meanwhile.
    """
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def screen(chromium, live_server):
    """Opens a page of a real server in a real browser, signed in with a role: screen("operator", "/import/").

    Whatever a page reports to the browser's console as an error fails the test, but for what
    `tolerates` occurs in.
    """
    contexts, complaints = [], []

    def open_page(role, address="/", tolerates=None, **options):
        def complain(said):
            if said.type == "error" and (tolerates is None or tolerates not in said.text):
                complaints.append(said.text)

        client = Client()
        client.force_login(User.objects.filter(username=str(role)).first() or new_user(role))
        context = chromium.new_context(base_url=live_server.url, **options)
        known = client.cookies.items()
        context.add_cookies(
            [{"name": name, "value": one.value, "url": live_server.url} for name, one in known]
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", complain)
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
