"""The admin shows everything and changes nothing by hand."""

from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone

from local_import import door, formats, names, sample_photos
from local_import.admin import base
from local_import.admin.media import KINDS
from local_import.audit_logger import StructuredLogger
from local_import.door import Step
from local_import.models import AuditLog, ImportItem, Media
from tests.builders import make_session

MODELS = ("importsession", "importitem", "incident", "media", "auditlog")
FAILURE = {
    "code": "damaged",
    "summary": "The photo <b>is</b> damaged.",
    "diagnosis": "It never ends.",
    "recommended_actions": ["Look for a whole copy."],
    "evidence": {"size": "<i>12</i> bytes"},
}
CONTENT = "ab" * 32
# What a list asks the database, however many rows it shows: who is signed in (2), and the rows (2).
LIST_QUERIES = 4


def new_item(path=b"<script>.jpg"):
    """A waiting item in a session of its own; every name in it is hostile."""
    label = "<script>alert(2)</script>"
    session = make_session("importing", label=label)
    return ImportItem.objects.create(
        session=session,
        path=path,
        path_digest=names.digest(path),
        shown_path="<script>alert(1)</script>.jpg",
    )


def fail(item):
    values = {"error_code": "damaged", "failure": FAILURE}
    return door.move(ImportItem, item.pk, Step("fail", "It is damaged.", values))


@pytest.fixture
def failed_item(db):
    return fail(new_item())


@pytest.fixture
def duplicate(db):
    """An item whose bytes are in the library: the media row is its `media`."""
    now = timezone.now()
    media = Media.objects.create(
        sha256=CONTENT,
        path="2024/01/02/one.jpg",
        size_bytes=12,
        kind="jpeg",
        captured_at=now,
        captured_offset_minutes=540,
        original_name="<script>alert(3)</script>",
        imported_at=now,
    )
    values = {"skip_reason": "duplicate", "media_id": media.pk}
    return door.move(ImportItem, new_item(b"2.jpg").pk, Step("skip", "Known bytes.", values))


@pytest.fixture
def viewer(client, db):
    user = User.objects.create_user("viewer", is_staff=True)
    seen = Permission.objects.filter(codename__in=[f"view_{name}" for name in MODELS])
    user.user_permissions.set(seen)
    client.force_login(user)
    return client


def page(name, kind="changelist", *arguments):
    return reverse(f"admin:local_import_{name}_{kind}", args=arguments)


@pytest.mark.parametrize("name", MODELS)
def test_lists_can_be_seen_and_nothing_can_be_added(admin_client, failed_item, name):
    assert admin_client.get(page(name)).status_code == 200
    assert admin_client.get(page(name, "add")).status_code == 403


def test_the_list_of_items_says_why_and_what_to_do_and_escapes_names(admin_client, failed_item):
    text = admin_client.get(page("importitem")).content.decode()

    assert "Look for a whole copy." in text
    assert "The photo &lt;b&gt;is&lt;/b&gt; damaged." in text
    assert "<script>alert" not in text


def test_an_item_can_be_looked_at_but_not_changed_or_deleted(admin_client, failed_item):
    address = page("importitem", "change", failed_item.pk)

    assert "It never ends." in admin_client.get(address).content.decode()
    assert admin_client.post(address, {"state": "imported"}).status_code == 403
    assert admin_client.post(page("importitem", "delete", failed_item.pk)).status_code == 403
    assert ImportItem.objects.get(pk=failed_item.pk).state == "failed"


def one_of_each(item):
    return {
        "importsession": item.session_id,
        "importitem": item.pk,
        "incident": fail(new_item(b"3.jpg")).incident_id,
        "media": item.media_id,
        "auditlog": AuditLog.objects.latest("id").pk,
    }


@pytest.mark.parametrize("name", MODELS)
def test_a_viewer_sees_every_page_and_may_change_none(viewer, duplicate, name):
    pk = one_of_each(duplicate)[name]
    address = page(name, "change", pk)

    for seen in (page(name), address):
        answer = viewer.get(seen)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.content.decode()
    for refused in (page(name, "add"), address, page(name, "delete", pk)):
        assert viewer.post(refused, {"post": "yes"}).status_code == 403


def test_a_failed_item_tells_everything_that_is_known_and_escapes_it(admin_client, failed_item):
    text = admin_client.get(page("importitem", "change", failed_item.pk)).content.decode()

    assert "The photo &lt;b&gt;is&lt;/b&gt; damaged." in text
    assert "→ Look for a whole copy." in text
    assert "size: &lt;i&gt;12&lt;/i&gt; bytes" in text
    assert "<script>alert" not in text


def test_a_state_is_told_by_a_glyph_and_a_word(admin_client, failed_item):
    text = admin_client.get(page("importitem")).content.decode()

    assert '<span class="state state-failed">✖ failed</span>' in text


def test_sessions_items_and_media_lead_to_each_other(admin_client, duplicate):
    ways = [
        ("importsession", f"{page('importitem')}?session__id__exact={duplicate.session_id}"),
        ("importitem", page("importsession", "change", duplicate.session_id)),
        ("importitem", page("media", "change", duplicate.media_id)),
        ("media", f"{page('importitem')}?media__id__exact={duplicate.media_id}"),
        ("auditlog", page("importitem", "change", duplicate.pk)),
        ("auditlog", page("importsession", "change", duplicate.session_id)),
    ]
    for start, end in ways:
        assert f'href="{end}"' in admin_client.get(page(start)).content.decode(), (start, end)
        assert admin_client.get(end).status_code == 200


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_picture_can_be_filtered_by(admin_client, duplicate, kind):
    content = sample_photos.photo(1, kind.upper())
    read_at = lambda offset, length: content[offset : offset + length]  # noqa: E731
    data = SimpleNamespace(size=len(content), read_at=read_at)

    assert formats.inspect(data).kind == kind
    shown = admin_client.get(f"{page('media')}?kind={kind}").context["cl"].result_list
    assert len(shown) == (1 if kind == "jpeg" else 0)


def test_a_link_to_a_list_shows_only_what_belongs_to_it(admin_client, duplicate, failed_item):
    for lookup, pk in (("media", duplicate.media_id), ("session", duplicate.session_id)):
        shown = admin_client.get(f"{page('importitem')}?{lookup}__id__exact={pk}").context["cl"]
        assert [item.pk for item in shown.result_list] == [duplicate.pk]


def test_items_and_incidents_lead_to_each_other(admin_client, failed_item):
    incident = page("incident", "change", failed_item.incident_id)
    files = f"{page('importitem')}?incident__id__exact={failed_item.incident_id}"
    fail(new_item(b"other.jpg"))

    assert f'href="{incident}"' in admin_client.get(page("importitem")).content.decode()
    assert f'href="{files}"' in admin_client.get(page("incident")).content.decode()
    shown = admin_client.get(files).context["cl"].result_list
    assert failed_item.pk in [item.pk for item in shown]
    text = admin_client.get(incident).content.decode()
    assert "Look for a whole copy." in text
    assert "<i>12</i>" not in text


def test_an_audit_row_of_a_session_that_is_no_row_of_ours_can_be_read(admin_client, db):
    StructuredLogger(session_id=987654, item_id=987654).info("Somebody else's import.")
    row = AuditLog.objects.get()

    for address in (page("auditlog"), page("auditlog", "change", row.pk)):
        assert "Somebody else&#x27;s import." in admin_client.get(address).content.decode()


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("more", [0, 5])
def test_a_list_asks_as_often_for_many_rows_as_for_few(
    admin_client, duplicate, django_assert_num_queries, name, more
):
    for number in range(more):
        fail(new_item(b"%d.jpg" % number))

    with django_assert_num_queries(LIST_QUERIES):
        admin_client.get(page(name))


def test_a_large_table_is_not_counted_to_its_end(admin_client, failed_item, monkeypatch):
    monkeypatch.setattr(base, "COUNTED", 2)
    for number in range(5):
        new_item(b"%d.jpg" % number)

    assert admin_client.get(page("importitem")).context["cl"].paginator.count == 3


def test_sessions_and_audit_rows_have_pages(admin_client, failed_item):
    row = AuditLog.objects.first()
    session = page("importsession", "change", failed_item.session_id)

    assert admin_client.get(session).status_code == 200
    assert admin_client.get(page("auditlog", "change", row.pk)).status_code == 200
    filtered = f"{page('auditlog')}?item__id__exact={failed_item.pk}"
    assert "It is damaged." in admin_client.get(filtered).content.decode()


def act(client, action, *items):
    chosen = [item.pk for item in items]
    data = {"action": action, "_selected_action": chosen}
    return client.post(page("importitem"), data, follow=True)


def test_an_operator_lets_a_damaged_item_be_imported_all_the_same(admin_client, failed_item):
    act(admin_client, "import_selected_anyway", failed_item)

    item = ImportItem.objects.get(pk=failed_item.pk)
    assert (item.state, item.accept_damage, item.error_code) == ("pending", True, "")
    row = AuditLog.objects.transitions().latest("id")
    assert (row.action, row.actor, row.to_state) == ("item.requeue", "admin", "pending")


def test_a_refused_action_is_counted_and_changes_nothing(admin_client, failed_item):
    act(admin_client, "dismiss_selected", failed_item)

    answer = act(admin_client, "dismiss_selected", failed_item)

    assert "Only a file that failed or is missing can be set aside." in answer.content.decode()
    assert ImportItem.objects.get(pk=failed_item.pk).state == "skipped"


def test_one_that_is_refused_does_not_hold_back_the_others(admin_client, failed_item):
    waiting = new_item(b"waiting.jpg")

    answer = act(admin_client, "retry_selected", failed_item, waiting)

    assert "Files done: 1; refused in their present state: 1." in answer.content.decode()
    assert ImportItem.objects.get(pk=failed_item.pk).state == "pending"


def act_on_all(client, action, address, found=None):
    """As a browser does after "Select all N": with the number that the page brought, unless given."""
    form = client.get(address).context["action_form"]
    found = form.fields["found"].initial if found is None else found
    one = ImportItem.objects.latest("pk").pk
    data = {"action": action, "select_across": "1", "_selected_action": [one], "found": found}
    return client.post(address, data, follow=True)


def failed_items(number):
    return [fail(new_item(b"%d.jpg" % n)) for n in range(number)]


def test_an_action_on_all_is_done_to_the_rows_that_the_page_counted(admin_client, db):
    failed_items(3)
    new_item(b"waiting.jpg")

    act_on_all(admin_client, "dismiss_selected", page("importitem") + "?state=failed")

    states = ImportItem.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == ["skipped"] * 3 + ["pending"]


def test_an_action_on_all_is_refused_where_not_all_were_counted(admin_client, db, monkeypatch):
    monkeypatch.setattr(base, "COUNTED", 2)
    failed_items(3)

    answer = act_on_all(admin_client, "dismiss_selected", page("importitem"))

    assert "the filter finds more than 2 rows" in answer.content.decode()
    assert set(ImportItem.objects.values_list("state", flat=True)) == {"failed"}


@pytest.mark.parametrize("found", ["2", "", "x"])
def test_an_action_on_all_is_refused_where_another_number_was_told(admin_client, db, found):
    failed_items(3)

    answer = act_on_all(admin_client, "dismiss_selected", page("importitem"), found)

    assert "the filter finds 3 now" in answer.content.decode()
    assert set(ImportItem.objects.values_list("state", flat=True)) == {"failed"}


def test_rows_that_come_while_an_action_begins_are_left_alone(admin_client, db, monkeypatch):
    failed_items(2)
    before = base._why_not_all

    def another_fails(*counted):
        fail(new_item(b"late.jpg"))
        return before(*counted)

    monkeypatch.setattr(base, "_why_not_all", another_fails)

    act_on_all(admin_client, "dismiss_selected", page("importitem"))

    states = ImportItem.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == ["skipped", "skipped", "failed"]


def test_a_viewer_sees_no_actions_and_cannot_post_them(viewer, failed_item):
    assert "retry_selected" not in viewer.get(page("importitem")).content.decode()

    act(viewer, "retry_selected", failed_item)

    assert ImportItem.objects.get(pk=failed_item.pk).state == "failed"


def test_a_viewer_with_the_right_to_operate_can_act(viewer, failed_item):
    right = Permission.objects.get(codename="operate_import")
    User.objects.get(username="viewer").user_permissions.add(right)

    act(viewer, "retry_selected", failed_item)

    assert ImportItem.objects.get(pk=failed_item.pk).state == "pending"


def test_nobody_gets_in_without_signing_in(client, db):
    for name in MODELS:
        assert client.get(page(name)).status_code == 302
    assert client.get("/").status_code == 302


@pytest.mark.parametrize(
    "query",
    [
        *("session=" + "9" * 30, "session__id__exact=" + "9" * 30, "size_bytes__gt=" + "9" * 30),
        *("id__exact=" + "9" * 30, "path=x", "path__contains=x", "id__in=1," + "9" * 30),
        *("session__in=1," + "9" * 30, "media=-" + "9" * 30),
    ],
)
def test_what_no_row_can_be_found_by_is_refused(admin_client, failed_item, query):
    answer = admin_client.get(f"/admin/local_import/importitem/?{query}")

    assert answer.status_code == 400
    assert "Nothing was changed" in answer.content.decode()


def test_an_empty_name_of_a_field_is_none(admin_client, failed_item):
    address = f"/admin/local_import/importitem/{failed_item.pk}/change/?_to_field="

    assert admin_client.get(address).status_code == 200
