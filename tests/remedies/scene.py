"""A place where a fault can be made: an installation, its inbox, its library, and one photo."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.conftest import ROOT
from tests.photos import jpeg

NOBODY = 65534  # a user, and a group, without privileges
TIMEOUT_S = 60


def drop_to(uid: int) -> tuple[str, ...]:
    """What a command is started through to lose its privileges."""
    return ("setpriv", f"--reuid={uid}", f"--regid={NOBODY}", "--clear-groups")


@dataclass
class Scene:
    home: Path
    inbox: Path
    database_url: str
    later: contextlib.ExitStack
    prefix: tuple[str, ...] = ()  # what the desk's commands are started through
    environment: dict[str, str] = field(default_factory=dict)
    session: int = 0
    limits: tuple[str, ...] = ()  # the operator's shell is under the same
    said: list[tuple] = field(
        default_factory=list
    )  # what went wrong on the way, for whoever debugs
    program: subprocess.Popen | None = None  # another program that is at work on the photo
    refusal: dict | None = None  # the failure of a command that was refused

    def __post_init__(self) -> None:
        self.library = self.home / "library"
        self.photo = self.inbox / "photo.jpg"
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PHOTONEST", "CELERY"))}
        self.environment = kept | {
            "PHOTONEST_HOME": str(self.home),
            "DATABASE_URL": self.database_url,
            "PHOTONEST_RETRIES": "0",  # else what may pass is waited for
            "PHOTONEST_QUIET_TIME": "0",
            "PATH": f"{Path(sys.executable).parent}:{kept['PATH']}",
        }

    def put(self, content: bytes = b"", name: str = "photo.jpg") -> Path:
        """A photo of its own in the inbox."""
        path = self.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content or jpeg(len(name) + sum(name.encode())))
        return path

    def as_stranger(self) -> None:
        """From now on the desk works as a user without privileges, to whom all of it belongs."""
        self.prefix = drop_to(self.stranger)
        self.give(self.home)

    @property
    def stranger(self) -> int:
        """A user without privileges who may reach the database: PostgreSQL's own, or nobody."""
        socket = parse_qs(urlsplit(self.database_url).query).get("host")
        return os.stat(socket[0]).st_uid if socket else NOBODY

    def give(self, *paths: Path) -> None:
        for path in paths:
            for directory, _, names in os.walk(path):
                for name in ("", *names):
                    os.chown(os.path.join(directory, name), self.stranger, NOBODY)

    def desk(self, *arguments: str, through: tuple[str, ...] = ()) -> subprocess.CompletedProcess:
        command = [*self.prefix, *through, sys.executable, "manage.py", *arguments]
        return self._run(command)

    def shell(self, script: str) -> subprocess.CompletedProcess:
        """What an operator types, as root."""
        return self._run([*self.limits, "bash", "-c", script])

    def _run(self, command: list[str]) -> subprocess.CompletedProcess:
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, timeout=TIMEOUT_S
        )
        if done.returncode:
            self.said.append((command, done.stderr.decode()))
        return done

    def start(self, *arguments: str, through: tuple[str, ...] = ()) -> None:
        """Import the inbox."""
        done = self.desk(
            "import_photos",
            str(self.inbox),
            "--workers",
            "1",
            "--json",
            *arguments,
            through=through,
        )
        self._note(done)

    def start_again(self) -> None:
        self.refusal = None
        self.start()

    def resume(self, through: tuple[str, ...] = ()) -> None:
        done = self.desk(
            "import_photos", "--resume", str(self.session), "--workers", "1", "--json",
            through=through,
        )  # fmt: skip
        self._note(done)

    def _note(self, done: subprocess.CompletedProcess) -> None:
        assert done.stdout, done.stderr.decode()
        report = json.loads(done.stdout)
        if report["session"] is None:
            self.refusal = report["error"]
        else:
            self.session = report["session"]

    def report(self) -> dict:
        done = self.desk("import_status", str(self.session), "--items", "--json")
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    def failures(self) -> list[dict]:
        """What the JSON says is wrong: a refusal, the session's own error, or its items'."""
        if self.refusal:
            return [self.refusal]
        report = self.report()
        return [report["error"]] if report["error"] else report["failures"]

    def ending(self, path: Path | None = None) -> tuple[str, str]:
        """State and code of the photo's item."""
        about = str(path or self.photo)
        return next(
            ((i["state"], i["code"]) for i in self.report()["items"] if i["path"] == about),
            ("", ""),
        )

    def recheck(self) -> list[dict]:
        """Empty for a request that was refused: it left nothing to look at."""
        if not self.session or self.refusal:
            return []
        return json.loads(self.desk("import_recheck", str(self.session), "--json").stdout)

    def mount(self, path: Path, *options: str) -> Path:
        """A small file system in memory at a directory, until the end of the test."""
        path.mkdir(parents=True, exist_ok=True)
        _root("mount", "-t", "tmpfs", "-o", ",".join(options) or "size=8m", "tmpfs", str(path))
        self.later.callback(unmount, path)
        return path

    def writer(self, script: str) -> subprocess.Popen:
        """Another program that does something to the photo until it is ended."""
        process = subprocess.Popen([sys.executable, "-c", script, str(self.photo)])
        self.later.callback(end, process)
        time.sleep(0.3)
        return process


def end(process: subprocess.Popen) -> None:
    process.kill()
    process.wait()


def unmount(path: Path) -> None:
    subprocess.run(["umount", "-l", str(path)], capture_output=True)


def move(source: Path, target: Path) -> None:
    shutil.move(source, target)


def _root(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
