"""Whether this code and the database belong together: while a fleet is updated, one of them is older."""

from __future__ import annotations

import pkgutil

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from . import migrations

_APP = "local_import"


def misfit() -> str:
    """What is wrong and what to do, as sentences; empty when they fit. One query, nothing is written.

    Names of migrations begin with their number, so the greatest is the newest.
    """
    known = max(module.name for module in pkgutil.iter_modules(migrations.__path__))
    rows = MigrationRecorder(connection).migration_qs.filter(app=_APP)
    applied = max(rows.values_list("name", flat=True), default="")
    if applied > known:
        return (
            f"This process runs Photonest {settings.PHOTONEST_VERSION} with the tables of {known}, but the "
            f"database was migrated to {applied} by a newer one. It takes no work. Update Photonest on "
            "this host and start the process again."
        )
    if applied < known:
        return f"The database lacks {known}, so no work is taken. Run: python manage.py migrate"
    return ""
