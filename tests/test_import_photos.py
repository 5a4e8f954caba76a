"""The whole command, in real processes, on real files."""

import hashlib
import os

import pytest

from tests.photos import jpeg, picture


def fill(inbox):
    """One file for each way a file can go; returns the state and code that each must get."""
    (inbox / "sub").mkdir()
    whole = jpeg(1)
    files = {
        "a.jpg": (whole, "imported", ""),
        "sub/same.jpg": (whole, None, None),
        "b.png": (picture("PNG", 2), "imported", ""),
        "c.webp": (picture("WEBP", 3), "imported", ""),
        "d.tif": (picture("TIFF", 4), "imported", ""),
        "e.gif": (picture("GIF", 5), "imported", ""),
        "f.bmp": (picture("BMP", 6), "imported", ""),
        "g.avif": (picture("AVIF", 7), "imported", ""),
        "empty.jpg": (b"", "skipped", "empty"),
        "text.jpg": (b"this is no photo\n", "failed", "content_mismatch"),
        "notes.txt": (b"this is no photo either\n", "skipped", "unsupported"),
        "cut.jpg": (jpeg(8)[:-200], "failed", "damaged"),
        "wrong-name.txt": (jpeg(9), "imported", ""),
    }
    for name, (content, _, _) in files.items():
        (inbox / name).write_bytes(content)
    os.mkfifo(inbox / "pipe.jpg")
    files["pipe.jpg"] = (None, "failed", "not_regular_file")
    for hidden in (".DS_Store", "Thumbs.db"):
        (inbox / hidden).write_bytes(b"x")
    (inbox / "@eaDir").mkdir()
    (inbox / "@eaDir" / "t.jpg").write_bytes(jpeg(10))
    (inbox / "link.jpg").symlink_to(inbox / "a.jpg")
    return files


def assert_library_is_true(desk, items):
    """Every imported item has its file, and every file of the library its item."""
    listed = set()
    for item in items:
        if item["state"] == "imported":
            content = (desk.library / item["destination"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == item["sha256"]
            assert len(content) == item["size"]
            listed.add(item["destination"])
    found = {
        str(path.relative_to(desk.library))
        for path in desk.library.glob("[0-9]*/**/*")
        if path.is_file()
    }
    assert found == listed
    assert not list((desk.library / ".incoming").iterdir())


@pytest.mark.parametrize("mode", ["copy", "move"])
def test_every_file_ends_in_the_library_or_at_rest_with_a_reason(desk, inbox, mode):
    files = fill(inbox)
    contents = {name: content for name, (content, _, _) in files.items()}

    report = desk.import_photos(str(inbox), "--mode", mode, status=1)

    items = desk.items(report["session"])
    by_name = {os.path.relpath(item["path"], inbox): item for item in items}
    for name, (_, state, code) in files.items():
        if state is not None and name != "a.jpg":
            assert (by_name[name]["state"], by_name[name]["code"]) == (state, code), name
    twins = [by_name["a.jpg"], by_name["sub/same.jpg"]]
    assert sorted((twin["state"], twin["code"]) for twin in twins) == [
        ("imported", ""),
        ("skipped", "duplicate"),
    ]
    assert report["state"] == "failed"
    assert report["total"] == len(files) == sum(report["counts"].values())
    assert len(report["counts"]) == 10
    assert report["left_out"] == {"hidden": 1, "system": 2, "symlink": 1}
    assert {entry["code"] for entry in report["failures"]} == {
        "damaged",
        "content_mismatch",
        "not_regular_file",
    }
    assert all(entry["recommended_actions"] for entry in report["failures"])
    assert_library_is_true(desk, items)
    for name, item in by_name.items():
        gone = mode == "move" and item["state"] == "imported"
        assert (inbox / name).exists() != gone, name
        if contents[name] is not None and not gone:
            assert (inbox / name).read_bytes() == contents[name]


def test_the_path_in_the_library_is_made_of_time_and_hash(desk, inbox):
    content = jpeg(1, taken="2018:12:31 23:30:00", offset="+09:00")
    (inbox / "a.JPEG").write_bytes(content)

    report = desk.import_photos(str(inbox))

    (item,) = desk.items(report["session"])
    digest = hashlib.sha256(content).hexdigest()
    assert item["destination"] == f"2018/12/31/20181231_233000_local_{digest[:8]}.jpg"


def test_a_second_import_imports_nothing_twice(desk, inbox):
    for seed in range(20):
        (inbox / f"{seed}.jpg").write_bytes(jpeg(seed))
    first = desk.import_photos(str(inbox))

    second = desk.import_photos(str(inbox))

    assert first["counts"]["imported"] == second["counts"]["skipped"] == 20
    assert {item["code"] for item in desk.items(second["session"])} == {"duplicate"}


def test_other_bytes_at_the_destination_are_never_overwritten(desk, inbox):
    content = jpeg(1)
    (inbox / "a.jpg").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    taken = desk.library / f"2019/01/02/20190102_030405_local_{digest[:8]}.jpg"
    taken.parent.mkdir(parents=True)
    taken.write_bytes(b"somebody's only copy")

    report = desk.import_photos(str(inbox))

    (item,) = desk.items(report["session"])
    assert taken.read_bytes() == b"somebody's only copy"
    assert item["destination"].endswith(f"_local_{digest[:16]}.jpg")
    assert (desk.library / item["destination"]).read_bytes() == content


def test_the_right_bytes_at_the_destination_are_adopted(desk, inbox):
    content = jpeg(1)
    (inbox / "a.jpg").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    place = desk.library / f"2019/01/02/20190102_030405_local_{digest[:8]}.jpg"
    place.parent.mkdir(parents=True)
    place.write_bytes(content)

    report = desk.import_photos(str(inbox), "--mode", "move")

    assert report["state"] == "imported"
    assert place.read_bytes() == content
    assert not (inbox / "a.jpg").exists()


def test_bytes_whose_library_file_is_gone_take_its_place(desk, inbox):
    (inbox / "a.jpg").write_bytes(jpeg(1))
    first = desk.import_photos(str(inbox))
    (item,) = desk.items(first["session"])
    (desk.library / item["destination"]).unlink()

    second = desk.import_photos(str(inbox), "--mode", "move")

    assert second["counts"]["imported"] == 1
    assert (desk.library / item["destination"]).read_bytes() == jpeg(1)


def test_hostile_names_are_kept_and_shown_escaped(desk, inbox):
    names = [
        b"new\nline.jpg",
        b"quote'\"$(x).jpg",
        b"\x1b[31mred.jpg",
        "\U0001f600 写真.jpg".encode(),
        b"bad\xff\xfe.jpg",
        b"n" * 251 + b".jpg",
    ]
    for seed, name in enumerate(names):
        with open(os.fsencode(inbox) + b"/" + name, "wb") as file:
            file.write(jpeg(seed + 1))

    report = desk.import_photos(str(inbox), "--mode", "move")

    assert report["counts"]["imported"] == len(names)
    assert os.listdir(inbox) == []
    shown = [os.path.basename(item["path"]) for item in desk.items(report["session"])]
    assert all(name.isprintable() for name in shown)
    assert "bad\\xff\\xfe.jpg" in shown


def test_paths_deeper_than_the_system_takes_at_once_are_imported(desk, inbox):
    fd = os.open(inbox, os.O_RDONLY)
    for _ in range(40):
        os.mkdir("d" * 200, dir_fd=fd)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    file = os.open("deep.jpg", os.O_WRONLY | os.O_CREAT, dir_fd=fd)
    os.write(file, jpeg(1))
    os.close(file)
    os.close(fd)

    report = desk.import_photos(str(inbox))

    assert report["counts"]["imported"] == 1


def test_a_dry_run_decides_as_the_real_run_and_writes_nothing(desk, inbox):
    fill(inbox)

    planned = desk.import_photos(str(inbox), "--dry-run", status=1)
    assert not desk.library.exists()
    assert desk.manage("import_status", "--json").stdout.strip() == b"[]"
    real = desk.import_photos(str(inbox), status=1)

    for name in ("state", "total", "counts", "bytes", "left_out"):
        assert planned[name] == real[name], name
    decisions = {item["path"]: item for item in planned["items"]}
    twins = ("a.jpg", "same.jpg")  # which of two equal files comes first is the disk's affair
    for item in desk.items(real["session"]):
        if not item["path"].endswith(twins):
            expected = decisions[item["path"]]
            for name in ("state", "code", "destination"):
                assert item[name] == expected[name], (item["path"], name)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["{inbox}/nothing"], b"source_missing"),
        (["{inbox}/file"], b"source_not_directory"),
        (["{home}"], b"library_overlaps_source"),
        (["{home}/library/2019"], b"library_overlaps_source"),
        ([], b"source directory"),
        (["{inbox}", "--resume", "1"], b"source directory"),
        (["--resume", "77"], b"session_unknown"),
        (["{inbox}", "--workers", "0"], b"--workers"),
    ],
)
def test_wrong_use_is_refused_with_the_cause(desk, inbox, arguments, says):
    (inbox / "file").write_bytes(b"x")
    (desk.library / "2019").mkdir(parents=True)

    done = desk.manage("import_photos", *(a.format(inbox=inbox, home=desk.home) for a in arguments))

    assert done.returncode == 2
    assert says in done.stderr
    listed = desk.manage("import_status", "--json")
    assert (listed.stdout.strip(), listed.stderr) == (b"[]", b"")


def test_an_empty_directory_is_no_failure(desk, inbox):
    report = desk.import_photos(str(inbox))

    assert (report["state"], report["total"]) == ("ready", 0)


def test_json_is_all_there_is_on_standard_output(desk, inbox):
    (inbox / "a.jpg").write_bytes(jpeg(1))

    done = desk.manage("import_photos", str(inbox), "--json")

    assert done.stdout.startswith(b"{")
    assert done.stderr == b""


def test_an_unmounted_library_is_not_filled(desk, inbox):
    (inbox / "a.jpg").write_bytes(jpeg(1))
    desk.import_photos(str(inbox))
    (desk.library / ".photonest-library").unlink()
    (inbox / "b.jpg").write_bytes(jpeg(2))

    done = desk.manage("import_photos", str(inbox))

    assert done.returncode == 2
    assert b"library_unmounted" in done.stderr


def test_a_refused_new_import_does_not_speak_of_a_session(desk, inbox):
    done = desk.manage("import_photos", str(inbox / "nowhere"))

    assert done.returncode == 2
    assert b"SESSION" not in done.stderr
    assert b"Then start the import again." in done.stderr
