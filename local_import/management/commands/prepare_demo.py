"""Everything `make run` needs before the first look: an operator, sample photos, their import."""

from __future__ import annotations

import os
import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db.models import Q

from ... import fsops
from ...models import ImportSession
from ...sample_photos import sample_files
from ...services import sessions
from ...states import ImportMode
from ..desk_command import DeskCommand

OPERATOR = "operator"


class Command(DeskCommand):
    help = (
        "Make an operator account (its one-time password is printed once), a sample inbox, and "
        "import it. What is there already is left as it is."
    )

    def handle(self, **options: Any) -> None:
        self._make_operator()
        inbox = os.fsencode(settings.PHOTONEST_HOME / "inbox" / "sample")
        if not os.path.isdir(inbox):
            make_inbox(inbox)
        if is_to_be_imported(inbox):
            self._import(os.fsdecode(inbox))

    def _make_operator(self) -> None:
        users = get_user_model().objects
        if users.filter(Q(is_superuser=True) | Q(username=OPERATOR)).exists():
            return
        password = secrets.token_urlsafe(12)
        users.create_superuser(OPERATOR, password=password)
        self.stdout.write(f"Operator account: {OPERATOR}   password, shown only now: {password}\n")

    def _import(self, inbox: str) -> None:
        try:
            call_command(
                "import_photos", inbox, label="Sample", no_quiet_time=True, stdout=self.stdout
            )
        except SystemExit as end:
            if end.code != 1:  # interrupted or refused
                raise
            # Some of the sample is broken on purpose; the summary has said so.


def is_to_be_imported(inbox: bytes) -> bool:
    """Whether no session of the inbox has come to its end; an interrupted one goes on."""
    path = os.path.realpath(inbox)
    known = ImportSession.objects.filter(source_path=path).exists()
    return not known or sessions.unfinished(path, ImportMode.COPY) is not None


def make_inbox(path: bytes) -> None:
    """Files that between them end in every state that an import can give."""
    fsops.make_directory(path)
    with fsops.Tree(path, follow_links=True) as tree:
        for name, content in sample_files():
            fsops.create(tree, name, content)
        fsops.create_unreadable(tree, b"broken/unreadable.jpg")
