"""Three roles, made by every migrate: each may what the one before it may, and more."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from local_import import roles

pytestmark = pytest.mark.django_db


def permissions(role):
    return set(Group.objects.get(name=role).permissions.values_list("codename", flat=True))


def test_each_role_may_what_the_one_before_it_may():
    viewer, operator, maintainer = map(permissions, roles.ADDS)

    assert viewer == {"see_imports"}
    assert viewer < operator < maintainer
    assert {"see_details", "operate_import", "view_auditlog"} <= operator
    assert "maintain_import" not in operator
    assert {"maintain_import", "change_periodictask"} <= maintainer


def test_no_role_may_write_rows_in_the_admin_or_manage_users():
    of_ours = {one for one in permissions("maintainer") if one.startswith(("add_", "delete_"))}

    assert of_ours == set()
    assert not permissions("maintainer") & {"change_user", "change_group", "change_importitem"}


def test_what_a_group_was_given_besides_stays_and_what_it_lost_comes_back():
    viewers = Group.objects.get(name="viewer")
    viewers.permissions.set([Permission.objects.get(codename="view_media")])

    call_command("migrate", verbosity=0)

    assert permissions("viewer") == {"see_imports", "view_media"}


def test_a_person_may_what_they_and_their_groups_were_given(
    django_user_model, django_assert_num_queries
):
    user = django_user_model.objects.create_user("olga")
    user.groups.add(Group.objects.get(name="viewer"), Group.objects.get(name="operator"))
    user.user_permissions.add(Permission.objects.get(codename="maintain_import"))
    user = django_user_model.objects.get(pk=user.pk)

    with django_assert_num_queries(1):
        assert user.has_perms(["local_import.operate_import", "local_import.maintain_import"])
        assert not user.has_perm("auth.change_user")
        assert user.has_module_perms("local_import")

    assert user.get_all_permissions() == user.get_user_permissions() | user.get_group_permissions()
    assert not user.has_perm("local_import.see_imports", user)


def test_who_somebody_is_and_what_they_may_is_one_question(
    django_user_model, django_assert_num_queries
):
    olga = django_user_model.objects.create_user("olga")
    olga.groups.add(Group.objects.get(name="operator"))
    nobody = django_user_model.objects.create_user("nobody")
    root = django_user_model.objects.create_superuser("root")

    with django_assert_num_queries(3):
        who = [roles.RolesBackend().get_user(user.pk) for user in (olga, nobody, root)]
        assert who[0].has_perm("local_import.operate_import")
        assert not who[0].has_perm("local_import.maintain_import")
        assert who[1].get_all_permissions() == set()
        assert who[2].has_perm("auth.change_user")

    assert who[0].get_all_permissions() == olga.get_group_permissions()
    assert len(who[2].get_all_permissions()) == Permission.objects.count()
    assert roles.RolesBackend().get_user(0) is None


def test_who_was_shut_out_may_nothing(django_user_model):
    user = django_user_model.objects.create_user("olga", is_active=False)
    user.groups.add(Group.objects.get(name="maintainer"))

    assert user.get_all_permissions() == set()
    assert roles.RolesBackend().get_user(user.pk) is None
