"""The snippets of the specification run as written, import lines aside, and do what they say."""

import os
import shutil

import pytest
from django.db import connection

from local_import import names
from local_import.audit_log_repository import AuditLogRepository
from local_import.audit_logger import AuditLogger, StructuredLogger
from local_import.models import AuditLog, ImportItem, ImportSession, Media
from local_import.state_machine import (
    ItemState,
    SessionState,
    SessionStateMachine,
    StateConsistencyValidator,
)
from local_import.state_management_service import PerformanceTracker, StateManagementService
from local_import.state_synchronizer import StateSynchronizer
from local_import.troubleshooting import TroubleshootingEngine, generate_troubleshooting_report
from tests.photos import jpeg

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def session(inbox, library):
    return ImportSession.objects.create(pk=123, source_path=os.fsencode(inbox), source=str(inbox))


@pytest.fixture
def photo(inbox):
    (inbox / "a.jpg").write_bytes(jpeg(1))
    return inbox / "a.jpg"


@pytest.fixture
def item(session, photo):
    return ImportItem.objects.create(
        session=session,
        external_id="item_001",
        path=b"a.jpg",
        path_digest=names.digest(b"a.jpg"),
        shown_path="a.jpg",
    )


def states_told_of(item):
    rows = AuditLog.objects.transitions().of_item(item.pk).order_by("id")
    return list(rows.values_list("from_state", "to_state"))


HAPPY = [
    ("pending", "analyzing"),
    ("analyzing", "checking"),
    ("checking", "moving"),
    ("moving", "updating"),
    ("updating", "imported"),
]


def assert_imported(item, library):
    item = ImportItem.objects.select_related("media").get(pk=item.pk)
    assert item.state == "imported"
    assert (library / item.media.path).read_bytes() == jpeg(1)
    assert states_told_of(item) == HAPPY


def test_the_state_machine_goes_only_where_it_may():
    state_machine = SessionStateMachine(SessionState.PENDING)
    if state_machine.can_transition_to(SessionState.READY):
        transition = state_machine.transition(SessionState.READY, reason="ファイル選択完了")

    assert (transition.from_state, transition.to_state) == ("pending", "ready")
    assert state_machine.history == [transition]
    with pytest.raises(ValueError, match="No transition"):
        state_machine.transition(SessionState.IMPORTED, reason="")
    assert state_machine.current_state == SessionState.READY


def test_the_validator_names_issues_and_recommendations():
    result = StateConsistencyValidator.validate(
        session_state=SessionState.IMPORTED,
        item_states={"item1": ItemState.IMPORTED, "item2": ItemState.FAILED},
    )

    assert not result.is_consistent
    assert result.issues and result.recommendations


def test_the_synchronizer_moves_sessions_and_items(session, item):
    sync = StateSynchronizer()
    sync.transition_session(123, SessionState.READY, reason="")
    sync.transition_session(123, SessionState.EXPANDING, reason="")
    service = StateManagementService()
    service.transition_item("item_001", ItemState.ANALYZING, "解析開始")

    sync.transition_item(
        item_id="item_001", target_state=ItemState.CHECKING, reason="重複チェック開始"
    )
    ImportSession.objects.update(walked_at="2026-01-01T00:00Z", planned_at="2026-01-01T00:00Z")
    snapshot = sync.sync_session_with_items(session_id=123)

    assert snapshot.state == "importing"
    assert (snapshot.total, snapshot.counts["checking"]) == (1, 1)
    assert AuditLog.objects.of_item("item_001").transitions().count() == 2


def test_logs_are_kept_also_for_items_that_are_no_rows_of_ours():
    audit_logger = AuditLogger()
    e = PermissionError("no")
    logger = StructuredLogger(audit_logger, session_id=123, item_id="item_001")
    logger.info("ファイル処理開始", file_path="/path/to/file.jpg")
    logger.error("処理失敗", exception=e, recommended_actions=["再試行", "権限確認"])
    logger.performance("duplicate_check", duration_ms=150.5)

    repo = AuditLogRepository()
    (error,) = repo.get_errors(session_id=123)
    assert (error.error_type, error.recommended_actions) == (
        "PermissionError",
        ["再試行", "権限確認"],
    )
    assert repo.get_by_item("item_001").count() == 3
    assert repo.get_performance_metrics(session_id=123).get().duration_ms == 150.5
    assert repo.get_state_transitions(session_id=123).count() == 0


def test_a_clean_exit_imports_the_item_for_real(item, photo, library):
    state_mgr = StateManagementService()
    item_id, file_path, session_id = "item_001", str(photo), 123

    with state_mgr.process_item(item_id, file_path, session_id) as ctx:
        assert ImportItem.objects.get(pk=item.pk).state == "analyzing"
        ctx.structured_logger.info("処理開始")
        state_mgr.transition_item(ctx, ItemState.CHECKING, "重複チェック開始")
        state_mgr.transition_item(ctx, ItemState.MOVING, "ファイル移動開始")

    assert_imported(item, library)
    assert photo.exists()


def test_a_file_that_the_importer_moves_itself_is_taken_over(item, photo, library):
    state_mgr, tracker = StateManagementService(), PerformanceTracker()

    with state_mgr.process_item(item.pk, str(photo), 123) as ctx:
        ctx.structured_logger.info("解析開始", file_size=os.path.getsize(photo))
        state_mgr.transition_item(ctx, ItemState.CHECKING, "重複チェック開始")
        state_mgr.transition_item(ctx, ItemState.MOVING, "ファイル移動開始")
        with tracker.measure("file_move", file_size_bytes=photo.stat().st_size):
            (library / ctx.destination).parent.mkdir(parents=True)
            shutil.move(photo, library / ctx.destination)
        state_mgr.transition_item(ctx, ItemState.UPDATING, "DB更新開始")

    assert_imported(item, library)
    measured = AuditLog.objects.get_performance_metrics(item_id=item.pk).get()
    assert measured.action == "file_move" and measured.duration_ms >= 0


def test_phase_two_reaches_imported_by_the_steps_between(item, photo, library):
    state_mgr = StateManagementService()

    state_mgr.transition_item("item_001", ItemState.ANALYZING, "解析開始")
    state_mgr.transition_item("item_001", ItemState.IMPORTED, "完了")

    assert_imported(item, library)


def test_an_item_skipped_by_its_importer_stays_skipped(item, photo):
    state_mgr = StateManagementService()

    with state_mgr.process_item(item.pk, str(photo), 123) as ctx:
        state_mgr.transition_item(ctx, ItemState.CHECKING, "重複チェック開始")
        state_mgr.transition_item(ctx, ItemState.SKIPPED, "重複のためスキップ")

    assert ImportItem.objects.get(pk=item.pk).state == "skipped"
    assert Media.objects.count() == 0


def test_an_error_settles_the_item_with_its_diagnosis_and_is_raised_again(item, photo):
    state_mgr = StateManagementService()

    with pytest.raises(PermissionError), state_mgr.process_item(item.pk, str(photo), 123):
        raise PermissionError(13, "Permission denied", str(photo))

    failed = ImportItem.objects.get(pk=item.pk)
    assert (failed.state, failed.error_code) == ("failed", "permission_denied")
    assert str(photo) in failed.failure["summary"]
    (row,) = AuditLog.objects.get_errors(item_id=item.pk)
    assert row.error_type == "PermissionError" and "raise PermissionError" in row.stack_trace
    report = generate_troubleshooting_report(123)
    assert [(p["code"], p["count"]) for p in report["problems"]] == [("permission_denied", 1)]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (FileNotFoundError(2, "No such file"), "source_missing"),
        (PermissionError(13, "Permission denied"), "permission_denied"),
        (OSError(28, "No space left on device"), "disk_full"),
        (OSError(5, "Input/output error"), "io_error"),
        (ValueError("bad"), "bad_value"),
        (UnicodeDecodeError("utf-8", b"x", 0, 1, "bad"), "bad_value"),
        (ConnectionResetError("gone"), "connection_lost"),
        (KeyError("x"), "unknown"),
    ],
)
def test_errors_are_told_apart_by_hierarchy_and_errno(error, code, tmp_path):
    engine = TroubleshootingEngine()
    (tmp_path / "another.jpg").touch()

    result = engine.diagnose(error, {"file_path": str(tmp_path / "a b.jpg"), "operation": "移動"})

    assert result.code == code
    assert result.summary and result.diagnosis and result.recommended_actions


def test_the_periodic_check_finds_an_inconsistent_session(item, session):
    state_mgr, alerts = StateManagementService(), []
    StateSynchronizer().transition_session(123, SessionState.READY)
    StateSynchronizer().transition_session(123, SessionState.EXPANDING)
    StateSynchronizer().transition_session(123, SessionState.FAILED)

    for session in ImportSession.objects.filter(state="failed"):
        result = state_mgr.validate_consistency(session.id)
        if not result["is_consistent"]:
            alerts.append(result["issues"])

    assert len(alerts) == 1


@pytest.mark.parametrize(
    "sql",
    [
        """SELECT COUNT(CASE WHEN level = 'error' THEN 1 END) * 100.0 / COUNT(*) AS error_rate
           FROM local_import_audit_log WHERE session_id = 123""",
        """SELECT AVG(duration_ms) AS avg_duration_ms FROM local_import_audit_log
           WHERE category = 'performance' AND session_id = 123""",
        """SELECT error_type, COUNT(*) AS count FROM local_import_audit_log
           WHERE level = 'error' AND session_id = 123
           GROUP BY error_type ORDER BY count DESC LIMIT 5""",
    ],
)
def test_the_dashboard_queries_run(sql):
    logger = StructuredLogger(AuditLogger(), session_id=123)
    logger.error("処理失敗", exception=ValueError("x"))
    logger.performance("duplicate_check", duration_ms=10.0)

    with connection.cursor() as cursor:
        cursor.execute(sql)
        assert cursor.fetchone()[0] is not None
