"""The box on every page: what is typed there is explained, with links, or it is said where was looked."""

import pytest

from local_import.services.explain.words import Sentence
from local_import.templatetags.explained import names_a_place
from tests.builders import make_item, make_session

pytestmark = pytest.mark.django_db(transaction=True)


def told(client, target):
    answer = client.get("/import/explain/", {"target": target})
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_box_is_on_every_page(viewer):
    for address in ("/import/", "/import/health/", "/import/sessions/"):
        assert 'name="target"' in viewer.get(address).content.decode()


def test_a_file_is_found_by_its_name_and_explained(operator):
    item = make_item(make_session(source=b"/inbox"), b"2019/a.jpg", "failed")

    page = told(operator, "a.jpg")

    assert f"item:{item.pk}" in page and "/inbox/2019/a.jpg" in page
    assert "What it is" in page and "Why it is so" in page


def test_a_session_leads_to_its_page(viewer):
    session = make_session()

    assert f'href="/import/sessions/{session.pk}/"' in told(viewer, f"session:{session.pk}")


def test_a_viewer_is_told_no_place_on_the_server(viewer):
    item = make_item(make_session(source=b"/secret/inbox"), b"a.jpg", "failed")

    for target in (f"item:{item.pk}", "a.jpg", f"session:{item.session_id}", str(item.pk)):
        assert "secret" not in told(viewer, target)
    assert "operators see" in told(viewer, f"item:{item.pk}")


def test_of_several_things_one_can_be_chosen(operator):
    item = make_item(make_session(), b"a.jpg")
    make_item(make_session(source=b"/other"), b"a.jpg")

    page = told(operator, "a.jpg")

    assert "Several things" in page
    assert f'item:{item.pk}</a> <span class="path">/inbox/a.jpg' in page


@pytest.mark.parametrize(
    "target",
    [
        "nothing.jpg",
        "session:99999999999999999999",
        "item:x",
        "/../..",
        "%s%n",
        "🦊",
        "a" * 5000,
    ],
)
def test_what_is_not_known_is_said_with_where_was_looked(viewer, target):
    assert "Nothing is known of" in told(viewer, target)


def test_what_is_longer_than_any_path_is_refused(viewer):
    assert "longer than any path" in told(viewer, "a" * 5001)


def test_nothing_typed_shows_what_can_be(viewer):
    assert "the name of a file" in told(viewer, "  ")


def test_what_was_typed_stays_text(viewer):
    assert "<script>alert" not in told(viewer, '"><script>alert(1)</script>')


def test_a_text_with_a_slash_is_taken_for_a_place():
    assert names_a_place(Sentence("x", "It is at /mnt/a.", {}))
    assert names_a_place(Sentence("x", r"It is at C:\a.", {}))
    assert not names_a_place(Sentence("x", "It is pending.", {}))


def test_a_page_takes_few_queries(operator, django_assert_max_num_queries):
    item = make_item(name=b"a.jpg", state="failed")
    operator.get("/import/explain/")

    with django_assert_max_num_queries(20):  # it looks at everything that can be meant
        told(operator, f"item:{item.pk}")
    with django_assert_max_num_queries(5):
        told(operator, "")


def test_it_is_reached_by_one_key_from_any_page(screen):
    session = make_session(label="Card 1")
    page = screen("operator", "/import/health/")

    page.keyboard.press("/")
    page.keyboard.type(f"session:{session.pk}")
    page.keyboard.press("Enter")

    page.locator("dt", has_text="What it is").wait_for()
    page.get_by_role("link", name=f"session:{session.pk}").first.click()
    page.get_by_role("heading", name=f"Session {session.pk}").wait_for()
