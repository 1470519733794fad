"""Settings of all tests: hypothesis tries the same examples everywhere, and never fails because a machine was busy.

All processes of a run share one folder of dossiers of recorded incidents, so that each incident is decided once.
"""

from __future__ import annotations

import os
import shutil
import tempfile

import pytest
from hypothesis import settings

from tests.transform.verdicts import KEPT_IN

settings.register_profile("attribution", deadline=None, derandomize=True)
settings.load_profile("attribution")


def pytest_configure(config: pytest.Config) -> None:
    if _begins_the_run(config):
        os.environ[KEPT_IN] = tempfile.mkdtemp(prefix="attribution-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    if _begins_the_run(config):
        shutil.rmtree(os.environ.pop(KEPT_IN), ignore_errors=True)


def _begins_the_run(config: pytest.Config) -> bool:
    """Whether this is the process that was called, not one that it hands tests to."""
    return not hasattr(config, "workerinput")
