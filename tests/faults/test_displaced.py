"""The library is renamed, replaced, covered by a mount, detached, or one directory of it is renamed."""

import pytest

from .displaced import HARMS, Covered, Detached, displaced_at, missing_for_mounts
from .place import SCENARIOS

EVERY = [name for name in SCENARIOS if "taken" not in name]


@pytest.mark.parametrize("place", EVERY, indirect=True)
@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
def test_nothing_is_imported_to_where_nobody_looks_and_one_run_imports_the_rest(
    harm, trials, sampled
):
    if harm in (Covered, Detached) and (missing := missing_for_mounts()):
        pytest.skip(missing)

    for boundary in sampled(trials.boundaries(), 6):
        displaced_at(trials, harm, boundary)

    trials.assert_clean()
