"""A file that was changed in the last moment is read again once it is placed; it may not be readable then."""

import errno
import os

import pytest

from local_import.audit_logger import SYSTEM
from local_import.fsops import comparing
from local_import.models import ImportItem, Media
from local_import.services import sessions
from tests.photos import jpeg


def _unreadable(tree, path, **options):
    raise OSError(errno.EIO, "Input/output error", tree.full(path))


@pytest.mark.django_db(transaction=True)
def test_a_file_that_cannot_be_read_again_is_back_at_its_source_and_not_in_the_library(
    inbox, library, settings, monkeypatch
):
    settings.PHOTONEST_RETRIES = 0
    (inbox / "a.jpg").write_bytes(jpeg(1))  # just now: its times tell nothing
    session = sessions.create(os.fsencode(inbox), mode="move")
    monkeypatch.setattr(comparing, "digest", _unreadable)

    sessions.run_to_end(session.pk, workers=1, actor=SYSTEM)

    item = ImportItem.objects.get()
    assert (item.state, item.error_code) == ("failed", "io_error")
    assert (inbox / "a.jpg").read_bytes() == jpeg(1)
    assert not list(library.rglob("*.jpg"))
    assert not Media.objects.exists()
