"""The admin shows everything and changes nothing by hand."""

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from local_import import door, names
from local_import.door import Step
from local_import.models import AuditLog, ImportItem, ImportSession

MODELS = ("importsession", "importitem", "media", "auditlog")
FAILURE = {
    "code": "damaged",
    "summary": "The photo <b>is</b> damaged.",
    "diagnosis": "It never ends.",
    "recommended_actions": ["Look for a whole copy."],
}


@pytest.fixture
def failed_item(db):
    session = ImportSession.objects.create(source_path=b"/inbox", source="/inbox")
    item = ImportItem.objects.create(
        session=session,
        path=b"<script>.jpg",
        path_digest=names.digest(b"<script>.jpg"),
        shown_path="<script>alert(1)</script>.jpg",
    )
    values = {"error_code": "damaged", "failure": FAILURE}
    return door.move(ImportItem, item.pk, Step("fail", "It is damaged.", values))


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


def test_sessions_and_audit_rows_have_pages(admin_client, failed_item):
    row = AuditLog.objects.first()
    session = page("importsession", "change", failed_item.session_id)

    assert admin_client.get(session).status_code == 200
    assert admin_client.get(page("auditlog", "change", row.pk)).status_code == 200
    filtered = f"{page('auditlog')}?item__id__exact={failed_item.pk}"
    assert "It is damaged." in admin_client.get(filtered).content.decode()


def act(client, action, item):
    return client.post(
        page("importitem"), {"action": action, "_selected_action": [item.pk]}, follow=True
    )


def test_an_operator_lets_a_damaged_item_be_imported_all_the_same(admin_client, failed_item):
    act(admin_client, "import_selected_anyway", failed_item)

    item = ImportItem.objects.get(pk=failed_item.pk)
    assert (item.state, item.accept_damage, item.error_code) == ("pending", True, "")
    row = AuditLog.objects.transitions().latest("id")
    assert (row.action, row.actor, row.to_state) == ("item.requeue", "admin", "pending")


def test_a_refused_action_is_counted_and_changes_nothing(admin_client, failed_item):
    act(admin_client, "dismiss_selected", failed_item)

    answer = act(admin_client, "dismiss_selected", failed_item)

    assert "0 done, 1 refused" in answer.content.decode()
    assert ImportItem.objects.get(pk=failed_item.pk).state == "skipped"


def test_a_viewer_sees_no_actions_and_cannot_post_them(viewer, failed_item):
    assert "retry_selected" not in viewer.get(page("importitem")).content.decode()

    act(viewer, "retry_selected", failed_item)

    assert ImportItem.objects.get(pk=failed_item.pk).state == "failed"


def test_nobody_gets_in_without_signing_in(client, db):
    for name in MODELS:
        assert client.get(page(name)).status_code == 302
    assert client.get("/").status_code == 302
