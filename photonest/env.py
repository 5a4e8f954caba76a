"""The settings that an operator may set, read once from the environment and checked.

A wrong value stops the start with the variable's name, what is wrong and what to write instead.
"""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
ENGINES = {
    "sqlite": "django.db.backends.sqlite3",
    "postgres": "django.db.backends.postgresql",
    "postgresql": "django.db.backends.postgresql",
}
EMBEDDED_BROKER = "filesystem://localhost"
BROKERS = ("redis", "rediss", "redis+socket", "amqp", "amqps")
MOST_WORKERS = 1024
LONGEST_QUIET_TIME = 600  # seconds
SHORTEST_SECRET = 16  # characters
SQLITE_OPTIONS = {
    # A deferred transaction that turns into a writer cannot wait for the lock; an immediate one can.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,  # seconds
    # FULL: a commit that was reported is on the disk, also after a power loss. Recursive: a row that
    # REPLACE takes away is a deleted one to the triggers (local_import.guards). The size of a page, in
    # bytes, is that of a new database: twice SQLite's own, so that a batch writes half as many.
    "init_command": "PRAGMA page_size=8192;PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;"
    "PRAGMA foreign_keys=ON;PRAGMA recursive_triggers=ON;",
}

_in_environment = frozenset(os.environ)
environ.Env.read_env(BASE_DIR / ".env")
_env = environ.Env()


class WrongSetting(ImproperlyConfigured):
    """An environment variable has a value that the desk cannot run with."""

    def __init__(self, name: str, problem: str, remedy: str) -> None:
        super().__init__(f"{name} {problem}. {remedy}")


def origin(name: str) -> str:
    """Where the value of a variable comes from: environment, file (.env) or default."""
    if not os.environ.get(name):
        return "default"
    return "environment" if name in _in_environment else "file"


def home() -> Path:
    """The directory for everything the desk itself keeps: database, library, keys."""
    return _directory("PHOTONEST_HOME", BASE_DIR / "var")


def library(home_dir: Path) -> Path:
    """The directory that holds the imported originals."""
    return _directory("PHOTONEST_LIBRARY", home_dir / "library")


def _directory(name: str, default: Path) -> Path:
    value = os.environ.get(name) or str(default)
    path = Path(value).expanduser()
    if not path.is_absolute():
        raise WrongSetting(
            name,
            f"is {value!r}, which is not an absolute path",
            "Write it from the root, as /srv/photonest.",
        )
    try:
        nearest = next(parent for parent in (path, *path.parents) if parent.exists())
    except PermissionError as error:
        raise WrongSetting(
            name,
            f"is {value!r}, which this user may not enter",
            "Give it the permission x on the way.",
        ) from error
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            problem = f"is {value[:60]}…, which has a name that is too long"
            raise WrongSetting(name, problem, "Name a directory, or one to be made.") from error
        return path  # a disk that fails is no wrong setting; the doctor and the commands tell of it
    if not nearest.is_dir():
        raise WrongSetting(
            name,
            f"is {value!r}, but {nearest} is not a directory",
            "Name a directory, or one to be made.",
        )
    return path


def sources(home_dir: Path) -> tuple[Path, ...]:
    """The directories below which an import may be started on the pages.

    Unless they are named, `inbox` in the home directory, if it is there.
    """
    named = os.environ.get("PHOTONEST_SOURCES")
    if named is None:
        inbox = home_dir / "inbox"
        return (inbox,) if inbox.is_dir() else ()
    paths = [Path(name).expanduser() for name in named.split(os.pathsep) if name]
    for path in paths:
        if not path.is_absolute():
            problem = f"names {str(path)!r}, which is not an absolute path"
            raise WrongSetting(
                "PHOTONEST_SOURCES", problem, "Write it from the root, as /srv/inbox:/media/cards."
            )
    return tuple(paths)


def database(home_dir: Path) -> dict[str, Any]:
    """Django's settings of the one database: SQLite in the home directory, or DATABASE_URL."""
    url = os.environ.get("DATABASE_URL") or f"sqlite:///{home_dir / 'photonest.sqlite3'}"
    engine = ENGINES.get(url.partition(":")[0])
    if engine is None:
        raise WrongSetting(
            "DATABASE_URL",
            f"names the database {url.partition(':')[0]!r}, which is not supported",
            "Write sqlite:////path/to/file or postgresql://user:password@host:5432/name, or leave it unset.",
        )
    try:
        config: dict[str, Any] = _env.db_url_config(url, engine=engine)
    except Exception as error:
        raise WrongSetting(
            "DATABASE_URL",
            "cannot be understood",
            "Write postgresql://user:password@host:5432/name.",
        ) from error
    if engine == ENGINES["sqlite"]:
        config["OPTIONS"] = SQLITE_OPTIONS | config.get("OPTIONS", {})
    return config


def broker() -> str:
    """The address of the message broker; without CELERY_BROKER_URL, files in the home directory."""
    url = os.environ.get("CELERY_BROKER_URL")
    if not url:
        return EMBEDDED_BROKER
    remedy = "Write redis://host:6379/0 or amqp://user:password@host:5672//, or leave it unset."
    scheme = url.partition(":")[0]
    if scheme not in BROKERS:
        problem = f"names the broker {scheme!r}, which is not supported"
        raise WrongSetting("CELERY_BROKER_URL", problem, remedy)
    try:
        parts = urlsplit(url)
        understood = bool(parts.hostname or parts.path) and (parts.port or 1) > 0
    except ValueError:
        understood = False
    if not understood:
        raise WrongSetting("CELERY_BROKER_URL", "cannot be understood", remedy)
    return url


def workers() -> int:
    """How many worker processes a session in the background calls for."""
    value = os.environ.get("PHOTONEST_WORKERS") or str(os.cpu_count() or 1)
    if not (value.isdecimal() and 1 <= int(value) <= MOST_WORKERS):
        problem = f"is {value!r}, which is no number from 1 to {MOST_WORKERS}"
        raise WrongSetting("PHOTONEST_WORKERS", problem, "Write a number such as 2.")
    return int(value)


def time_zone() -> str:
    """The zone that is assumed for a capture time that carries no offset."""
    name = os.environ.get("PHOTONEST_TIME_ZONE") or "UTC"
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise WrongSetting(
            "PHOTONEST_TIME_ZONE",
            f"is {name!r}, which is no known time zone",
            "Write one such as Asia/Tokyo.",
        ) from error
    return name


def flag(name: str, *, default: bool) -> bool:
    """A switch written as 1/0, true/false, yes/no or on/off."""
    value = os.environ.get(name, "").strip().lower()
    if value in {"", "1", "true", "yes", "on", "0", "false", "no", "off"}:
        return default if not value else value in {"1", "true", "yes", "on"}
    raise WrongSetting(name, f"is {value!r}, which is neither yes nor no", "Write 1 or 0.")


def retries() -> int:
    """How often a file is tried again by itself when its trouble may pass."""
    value = os.environ.get("PHOTONEST_RETRIES", "").strip() or "3"
    if not (value.isascii() and value.isdigit() and int(value) <= 20):
        raise WrongSetting(
            "PHOTONEST_RETRIES", f"is {value!r}, which is no number from 0 to 20", "Write 3."
        )
    return int(value)


def quiet_time() -> int:
    """For how many seconds a file must have been still before it is imported; 0 waits for none."""
    value = os.environ.get("PHOTONEST_QUIET_TIME", "").strip() or "10"
    if not (value.isascii() and value.isdigit() and int(value) <= LONGEST_QUIET_TIME):
        problem = f"is {value!r}, which is no number of seconds from 0 to {LONGEST_QUIET_TIME}"
        raise WrongSetting("PHOTONEST_QUIET_TIME", problem, "Write 10.")
    return int(value)


def secret(name: str) -> str:
    """A key that others must not guess, or nothing."""
    value = os.environ.get(name, "")
    if value and (len(value) < SHORTEST_SECRET or not (value.isascii() and value.isprintable())):
        problem = f"is shorter than {SHORTEST_SECRET} characters, or has others than ASCII"
        raise WrongSetting(name, problem, "Write what this prints: openssl rand -hex 32")
    return value


def secret_key(home_dir: Path) -> str:
    """PHOTONEST_SECRET_KEY, or a key made once and kept in the home directory (mode 0600)."""
    if key := os.environ.get("PHOTONEST_SECRET_KEY"):
        return key
    path = home_dir / "secret_key"
    try:
        home_dir.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text()
    except OSError as error:
        raise WrongSetting(
            "PHOTONEST_HOME",
            f"is {str(home_dir)!r}, where this process cannot write ({error.strerror})",
            "Give its owner write permission, or name another directory.",
        ) from error
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(50))
    return path.read_text()


def hosts() -> list[str]:
    """The host names that the web pages answer to."""
    value = os.environ.get("PHOTONEST_ALLOWED_HOSTS") or "127.0.0.1,localhost"
    return [host.strip() for host in value.split(",") if host.strip()]
