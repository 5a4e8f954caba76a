"""For each fault: it is diagnosed rightly, and its action, taken literally, cures it."""

from __future__ import annotations

import pytest

from . import (
    faults_of_permission,
    faults_of_processes,
    faults_of_requests,
    faults_of_sources,
    faults_of_storage,
)
from .operator import follow

FAULTS = (
    *faults_of_permission.FAULTS,
    *faults_of_sources.FAULTS,
    *faults_of_storage.FAULTS,
    *faults_of_processes.FAULTS,
    *faults_of_requests.FAULTS,
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_first_action_cures_the_fault(scene, fault):
    fault.make(scene)

    failure = next(iter(scene.failures()))
    assert failure["code"] == fault.code, failure
    assert failure["seen"] and failure["seen_at"], failure
    if not fault.fleeting:
        assert all(entry["gone"] is not True for entry in scene.recheck()), scene.recheck()
    follow(scene, failure["actions"][fault.cure], fault.hands)

    assert scene.ending() == fault.ends, (scene.said[-1:], failure["actions"], scene.failures())
    assert scene.recheck() == []


def test_nine_of_ten_faults_are_cured_by_the_first_action():
    made = {
        fault.make for fault in FAULTS
    }  # some are made again to follow another of their actions
    cured_first = {fault.make for fault in FAULTS if fault.cure == 0}

    assert len(cured_first) / len(made) >= 0.9
