"""What was measured adds up, whoever wrote it and however it was folded since."""

import json
import os
import random
import statistics
import threading
from datetime import timedelta
from functools import partial

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.utils import timezone

from local_import import metrics
from local_import.metrics import Measure, Measurements, fold, folding, histogram
from local_import.models import ImportItem, MetricBucket
from local_import.pipeline import worker
from local_import.pipeline.measure import Clock, record
from local_import.pipeline.place import place
from local_import.pipeline.work import Verdict, Work
from local_import.services import sessions
from local_import.transactions import in_transaction
from tests.consistency import imported
from tests.faults.flow import run_here
from tests.photos import jpeg

DAY = timedelta(days=1)


def measure(number=1, *, ms=10.0, form="jpeg", code="", failed=False, ago=timedelta()):
    """As a worker does, so long ago."""
    measured = Measurements()
    for item in range(number):
        file = measured.of(Measure.FILE, format=form, code=code)
        file.add_all([ms], size_bytes=100, failed=failed, item_ids=[item + 1])
    measured.of(Measure.BATCH).add(1000.0)
    before = set(MetricBucket.objects.values_list("pk", flat=True))
    measured.write()
    rows = MetricBucket.objects.exclude(pk__in=before)
    rows.update(at=folding.begin(timezone.now() - ago, folding.MINUTE))


def found(since=DAY):
    return metrics.metrics(timezone.now() - since)


def counted():
    """Everything that was ever counted, of whatever age."""
    rows = MetricBucket.objects.values_list("measure", "format", "code", "count", "failures")
    sums = {}
    for *key, count, failures in rows:
        had = sums.get(tuple(key), (0, 0))
        sums[tuple(key)] = (had[0] + count, had[1] + failures)
    return sums


@pytest.mark.parametrize("shape", ["even", "skewed", "one value"])
@pytest.mark.parametrize("share", [0.5, 0.95])
def test_a_quantile_is_at_most_a_fifth_off(shape, share):
    chance = random.Random(shape)
    make = {
        "even": lambda: chance.uniform(1, 500),
        "skewed": lambda: chance.lognormvariate(2, 1.5),
        "one value": lambda: 42.0,
    }[shape]
    values = sorted(make() for _ in range(5000))
    bins = histogram.counted(values)

    truth = values[int(share * len(values)) - 1]

    assert abs(histogram.quantile(bins, share) / truth - 1) < 0.2


def test_no_duration_is_outside_of_the_bins():
    values = (0.0, 1e-9, -1.0, histogram.SMALLEST_MS, 1e15, float("inf"))

    bins = histogram.counted(values)

    assert bins.total() == len(values)
    assert min(bins) == 0 and histogram.upper_ms(max(bins)) > 24 * 3600 * 1000
    assert histogram.quantile({}, 0.5) is None


def test_a_duration_lies_between_the_ends_of_its_bin():
    for exponent in range(-40, 60):
        for value in (1.5**exponent, histogram.upper_ms(exponent + 41)):
            (number,) = histogram.counted([value])
            assert number == 0 or histogram.upper_ms(number - 1) < value
            assert value <= histogram.upper_ms(number) or number > 130


@pytest.mark.django_db(transaction=True)
def test_an_import_tells_of_every_file_that_came_to_rest(inbox, library):
    (inbox / "broken.jpg").write_bytes(jpeg(99)[:100])
    (inbox / "empty.jpg").write_bytes(b"")
    (inbox / "twin.jpg").write_bytes(jpeg(1))
    imported(inbox, number=5)

    told = found()

    assert told["files"]["count"] == ImportItem.objects.count() == 8
    assert told["files"]["failed"] == 1
    outcomes = {one["code"]: one["count"] for one in told["outcomes"]}
    assert outcomes == {"": 5, "damaged": 1, "empty": 1, "duplicate": 1}
    assert told["errors"] == [{"code": "damaged", "failed": 1}]
    sizes = sum(ImportItem.objects.values_list("size_bytes", flat=True))
    assert told["files"]["bytes"] == sizes
    steps = {(step["step"], step["format"]): step["count"] for step in told["steps"]}
    assert steps["file", "jpeg"] + steps["file", ""] == 8
    assert steps["place", "jpeg"] == 5
    assert all(
        steps[step, None] for step in ("wait", "analyse", "check", "sync", "settle", "batch")
    )


@pytest.mark.django_db(transaction=True)
def test_a_batch_whose_lease_was_lost_counts_nothing(inbox, library, monkeypatch):
    (inbox / "a.jpg").write_bytes(jpeg(1))

    def place_and_lose(*arguments):
        problem = place(*arguments)
        ImportItem.objects.update(fence=F("fence") + 1)
        return problem

    with monkeypatch.context() as patch:
        patch.setattr(worker, "place", place_and_lose)
        patch.setattr(worker, "_may_get_more", lambda *_: False)
        run_here(sessions.create(os.fsencode(inbox)).pk)

    assert not MetricBucket.objects.filter(measure="file").exists()


@pytest.mark.django_db
def test_a_file_that_was_given_back_has_not_come_to_rest():
    given_back, lost = Work(1, 1, b"a.jpg", read_ms=3.0), Work(2, 1, b"b.jpg", read_ms=4.0)
    given_back.release("The worker was told to stop.")
    lost.verdict = Verdict("lose", "It is gone.")

    record([given_back, lost], Clock())

    told = found()
    assert (told["files"]["count"], told["files"]["failed"]) == (1, 1)
    assert told["errors"] == [{"code": "source_missing", "failed": 1}]
    steps = {(step["step"], step["format"]): step["count"] for step in told["steps"]}
    assert steps["analyse", None] == 2


@pytest.mark.django_db(transaction=True)
def test_a_batch_adds_its_rows_by_one_statement_and_changes_none(inbox, library):
    statements = []

    def look(execute, sql, params, many, context):
        if "local_import_metric_bucket" in sql:
            statements.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        imported(inbox, number=20)

    assert len(statements) == MetricBucket.objects.filter(measure="batch").count() > 0
    assert all("INSERT INTO" in sql for sql in statements)


@pytest.mark.django_db
def test_folding_again_and_again_forgets_nothing_that_was_counted(monkeypatch):
    chance = random.Random(1)
    for _ in range(60):
        ago = timedelta(minutes=chance.choice([0, 3, 10, 600, 6000, 60_000, 700_000]))
        measure(chance.randint(1, 5), code=chance.choice(["", "damaged"]), failed=True, ago=ago)
    before, rows = counted(), MetricBucket.objects.count()
    monkeypatch.setattr(folding, "CHUNK", 7)

    for _ in range(4):
        fold()

    assert counted() == before
    assert MetricBucket.objects.count() < rows / 2
    widths = set(MetricBucket.objects.values_list("width_s", flat=True))
    assert widths == {0, *(each.into_s for each in folding.FOLDS)}
    assert fold() == 0


@pytest.mark.django_db
def test_folded_buckets_say_of_a_window_what_the_unfolded_said():
    for minutes in range(0, 600, 7):
        measure(3, ms=5.0 + minutes, ago=timedelta(minutes=minutes))
    before = found()

    fold()

    after = found()
    for told in (before, after):
        del told["until"], told["since"], told["seconds"]
        del told["files"]["files_per_s"], told["files"]["bytes_per_s"], told["slowest"]
    assert after == before


@pytest.mark.django_db
def test_folding_keeps_the_slowest_file():
    item = 7
    measure(1, ms=10.0, ago=timedelta(minutes=5))
    measured = Measurements()
    measured.of(Measure.FILE).add(9000.0, item_id=item)
    measured.write()
    MetricBucket.objects.update(at=folding.begin(timezone.now() - timedelta(minutes=5), 60))

    fold()

    assert (found()["slowest"][0]["item"], found()["slowest"][0]["duration_ms"]) == (item, 9000.0)


@pytest.mark.django_db(transaction=True)
def test_workers_that_write_while_others_fold_lose_no_count():
    errors = []

    def write():
        try:
            for _ in range(20):
                measured = Measurements()
                measured.of(Measure.FILE, format="jpeg").add(1.0)
                measured.write()
                at = folding.begin(timezone.now() - timedelta(minutes=5), 60)
                raw = MetricBucket.objects.filter(width_s=0)
                in_transaction(partial(raw.update, at=at))
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    def fold_on():
        try:
            for _ in range(10):
                fold()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for work in (write, write, fold_on, fold_on)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    fold()

    assert errors == []
    assert sum(MetricBucket.objects.values_list("count", flat=True)) == 40


@pytest.mark.django_db
def test_a_window_leaves_out_what_was_before_it():
    measure(5, ago=timedelta(hours=30))
    measure(2, ago=timedelta(hours=1))

    assert found()["files"]["count"] == 2
    assert found(timedelta(days=2))["files"]["count"] == 7


@pytest.mark.django_db
def test_a_series_adds_up_to_the_window_and_has_no_holes():
    measure(5, ago=timedelta(hours=20))
    measure(2, ago=timedelta(hours=1), failed=True, code="damaged")

    pieces = metrics.series(timezone.now() - DAY)

    assert len(pieces) in (96, 97)
    assert sum(piece["count"] for piece in pieces) == 7
    assert sum(piece["seconds"] for piece in pieces) == pytest.approx(DAY.total_seconds(), abs=901)
    assert [piece["errors"] for piece in pieces if piece["errors"]] == [{"damaged": 2}]


@pytest.mark.django_db
def test_rates_and_quantiles_are_of_what_was_measured():
    times = [5.0, 10.0, 20.0, 40.0, 80.0]
    for ms in times:
        measure(1, ms=ms)
    measure(5, ms=30.0, code="damaged", failed=True)

    files = found()["files"]

    assert files["error_rate"] == 0.5
    assert files["mean_ms"] == pytest.approx(statistics.mean([*times, *[30.0] * 5]))
    assert files["p50_ms"] == pytest.approx(30.0, rel=0.2)
    assert files["busy_s"] == 6.0
    assert files["files_per_busy_s"] == pytest.approx(10 / 6)


@pytest.mark.django_db
def test_a_finding_counts_when_it_comes_and_when_it_comes_back():
    from local_import.consistency import findings
    from local_import.consistency.look import RULES, Report
    from local_import.consistency.rule import Suspect
    from local_import.models import Finding

    report = Report([RULES["guards_lost"]], suspects=[Suspect("guards_lost", "guards")])
    findings.keep(report)
    findings.keep(report)
    assert found()["findings"]["rules"] == {"guards_lost": 1}

    Finding.objects.update(state="gone")
    findings.keep(report)

    assert found()["findings"]["rules"] == {"guards_lost": 2}
    assert sum(found()["findings"]["days"].values()) == 2


@pytest.mark.django_db
def test_the_command_prints_the_same_as_json_and_for_people(capsys):
    measure(4, code="damaged", failed=True)
    measure(6)

    call_command("import_metrics", "--since", "2h", "--json")
    told = json.loads(capsys.readouterr().out)
    call_command("import_metrics")
    text = capsys.readouterr().out

    assert told["files"]["count"] == 10
    assert "10 files came to rest, 4 of them failed (40.0%)." in text
    assert "damaged" in text


@pytest.mark.django_db
def test_the_command_says_so_when_nothing_was_imported(capsys):
    call_command("import_metrics")

    assert "no file came to rest" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "24", "-1h", "0h", "1w", "1e9d", "99999999d", "١h"])
def test_what_is_no_span_is_wrong_use(text):
    from argparse import ArgumentTypeError

    from local_import.management.arguments import span

    with pytest.raises(ArgumentTypeError):
        span(text)


@pytest.mark.django_db
def test_the_database_adds_up_as_the_window_does():
    for minutes in (1, 100, 1000):
        measure(3, ago=timedelta(minutes=minutes))
        measure(2, code="damaged", failed=True, ago=timedelta(minutes=minutes))

    (batches,) = metrics.sums(Measure.BATCH, since=timezone.now() - DAY)
    by_code = {row["code"]: row for row in metrics.sums(Measure.FILE, "code")}

    assert (batches["number"], batches["ms"]) == (6, 6000.0)
    assert {code: row["number"] for code, row in by_code.items()} == {"": 9, "damaged": 6}
    assert by_code["damaged"]["failed"] == found()["files"]["failed"] == 6
