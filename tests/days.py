"""An installation of which library and database are kept day by day, and set back to one apart."""

import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from tests.conftest import ROOT, Desk, _execute
from tests.photos import jpeg

COMMAND = re.compile(r"python manage\.py [^`\n]+?(?=\. [A-Z]|\.?$|`)", re.M)


@dataclass
class Days:
    desk: Desk
    kept: Path
    databases: list[str] = field(default_factory=list)  # PostgreSQL's, to be removed at the end

    def photos(self, name, seeds):
        """A directory with one photo for each seed."""
        path = self.kept / name
        path.mkdir(parents=True)
        for seed in seeds:
            (path / f"{seed}.jpg").write_bytes(jpeg(seed))
        return path

    def import_all(self, name, seeds):
        self.desk.import_photos(str(self.photos(name, seeds)), "--mode", "move")

    def keep(self, day):
        shutil.copytree(self.desk.library, self.kept / f"library-{day}")
        self._database(day).keep()

    def set_back(self, *, library="", database=""):
        if library:
            shutil.rmtree(self.desk.library)
            shutil.copytree(self.kept / f"library-{library}", self.desk.library)
        if database:
            self._database(database).put_back()

    def lose_database(self):
        """It is made anew and empty, as on a new machine."""
        self._database("").lose()
        assert self.desk.manage("migrate", "-v0").returncode == 0

    def _database(self, day):
        url = self.desk.environment["DATABASE_URL"]
        if url.startswith("sqlite"):
            return _Sqlite(Path(url.removeprefix("sqlite:///")), self.kept / f"database-{day}")
        return _Postgres(url.partition("?")[0].rpartition("/")[2], day, self.databases)

    def run(self, *arguments):
        """Exit status and what it said."""
        return self._ended(self.desk.manage(*arguments))

    def type(self, command):
        """What an operator does with a command that was read: types it."""
        environment = self.desk.environment | {"PATH": f"{ROOT}/.venv/bin:{os.environ['PATH']}"}
        done = subprocess.run(
            shlex.split(command), cwd=ROOT, env=environment, capture_output=True, timeout=120
        )
        return self._ended(done)

    def _ended(self, done):
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        return done.returncode, (done.stdout + done.stderr).decode()

    def contents(self, *parts):
        """The SHA-256 of every file below the library, or below parts of it."""
        roots = [self.desk.library / part for part in parts] or [self.desk.library]
        return {
            sha256(path.read_bytes()).hexdigest()
            for root in roots
            for path in root.rglob("*.*")
            if path.is_file()
        }

    def close(self):
        for name in self.databases:
            _execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def commands(told):
    """The commands that a text recommends, in its order, each once."""
    return list(dict.fromkeys(found.strip() for found in COMMAND.findall(told)))


@dataclass
class _Sqlite:
    path: Path
    kept: Path

    def keep(self):
        shutil.copy(self.path, self.kept)

    def put_back(self):
        self.lose()
        shutil.copy(self.kept, self.path)

    def lose(self):
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)


@dataclass
class _Postgres:
    name: str
    day: str
    all: list[str]

    @property
    def kept(self):
        return f"{self.name}_{self.day}"

    def keep(self):
        self.all.append(self.kept)
        _execute(f'CREATE DATABASE "{self.kept}" TEMPLATE "{self.name}"')

    def put_back(self):
        _execute(f'DROP DATABASE "{self.name}" WITH (FORCE)')
        _execute(f'CREATE DATABASE "{self.name}" TEMPLATE "{self.kept}"')

    def lose(self):
        _execute(f'DROP DATABASE "{self.name}" WITH (FORCE)')
        _execute(f'CREATE DATABASE "{self.name}"')
