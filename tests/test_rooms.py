"""The order of the rooms (docs/decisions/0004-rooms.md): imports lead downwards only."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "local_import"
DECISION = (ROOT / "docs" / "decisions" / "0004-rooms.md").read_text()
FLOORS = [re.findall(r"`([a-z_/]+)`", line) for line in re.findall(r"^\d+\. (.+)$", DECISION, re.M)]
FLOOR_OF = {name.partition("/")[0]: number for number, names in enumerate(FLOORS) for name in names}
OUTSIDE = {"apps", "migrations", "sample_photos", "__init__"}
MODULES = sorted(
    path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] != "migrations"
)
TOUCHING = {
    "os": {
        *("open", "rename", "renames", "replace", "unlink", "remove", "mkdir", "makedirs", "rmdir"),
        *("link", "symlink", "truncate", "write", "chmod", "chown", "utime", "listdir", "scandir"),
    },
}


def room(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path):
    """The rooms a module imports when it is loaded; imports for types alone do not count."""
    tree = ast.parse(path.read_text())
    skipped = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    depth = len(path.relative_to(PACKAGE).parts)
    for node in ast.walk(tree):
        if node in skipped or not isinstance(node, ast.ImportFrom) or node.level != depth:
            continue
        yield from [node.module.partition(".")[0]] if node.module else [a.name for a in node.names]


def test_every_room_has_its_place_in_the_decision():
    rooms = {room(path) for path in MODULES} - OUTSIDE

    assert rooms == set(FLOOR_OF)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_lead_downwards(path):
    here = FLOOR_OF.get(room(path), -1)

    above = [name for name in imported_rooms(path) if FLOOR_OF.get(name, 99) < here]

    assert above == []


def imported_names(tree):
    """As in io, for `import io`, and io.BytesIO, for `from io import BytesIO`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_fsops_touches_files(path):
    if room(path) == "fsops":
        return
    tree = ast.parse(path.read_text())
    found = [
        f"{node.func.value.id}.{node.func.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.attr in TOUCHING.get(node.func.value.id, ())
    ]
    found += [
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open"
    ]
    assert found == []
    if room(path) != "sample_photos":
        touching = {f"os.{name}" for name in TOUCHING["os"]} | {"io", "io.open", "io.FileIO"}
        modules = ("shutil", "tempfile")
        names = imported_names(tree)
        assert [n for n in names if n in touching or n.partition(".")[0] in modules] == []
