"""One cause, from its first sight to its end, as an operator sees it: real commands, real processes."""

import json

from tests.photos import jpeg


def told(desk, *arguments, status=0):
    done = desk.manage(*arguments)
    assert done.returncode == status, done.stderr.decode() + done.stdout.decode()
    return json.loads(done.stdout)


def test_an_operator_finds_the_cause_mends_it_and_sees_the_incident_end(desk, inbox):
    (inbox / "day").mkdir()
    photos = [inbox / "day" / f"{number}.jpg" for number in range(6)]
    for number, photo in enumerate(photos):
        photo.write_bytes(jpeg(number)[:200])
    (inbox / "good.jpg").write_bytes(jpeg(99))
    desk.import_photos(inbox, status=1)

    (incident,) = told(desk, "import_incidents", "--json", status=1)
    assert (incident["files"], incident["place"]) == (6, str(inbox / "day"))
    number = str(incident["incident"])
    why = told(desk, "explain", str(photos[0]), "--json")["explanation"]
    said = {sentence["code"]: sentence for sentence in why["sentences"]}
    assert said["one_of_incident"]["evidence"]["number"] == 6
    retry = next(a["then"] for a in why["actions"] if a["code"] == "retry_incident")
    assert retry == f"python manage.py import_retry --incident {number}"

    for seed, photo in enumerate(photos[:5]):
        photo.write_bytes(jpeg(seed))
    assert told(desk, *retry.split()[2:], "--json")["retried"] == 6
    desk.import_photos("--resume", "1", status=1)

    (left,) = told(desk, "import_incidents", "--json", status=1)
    assert (left["files"], left["seen"], left["state"]) == (1, 7, "open")
    why = told(desk, "explain", "5.jpg", "--json")["explanation"]
    (record,) = [s for s in why["sentences"] if s["code"] == "advice_record_here"]
    assert record["evidence"]["imported"] == 5
    assert record["evidence"]["failed_again"] == 1

    photos[5].write_bytes(jpeg(5))
    desk.import_photos("--resume", "1")
    assert told(desk, "import_incidents", "--json") == []
    assert told(desk, "explain", "5.jpg", "--json")["explanation"]["state"] == "imported"
    report = told(desk, "import_report", "1", "--format", "json")
    assert (report["severity"], report["found"], len(report["files"])) == (None, 7, 7)
