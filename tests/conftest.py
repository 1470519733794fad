"""Settings of all tests: hypothesis tries the same examples everywhere, and never fails because a machine was busy."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("attribution", deadline=None, derandomize=True)
settings.load_profile("attribution")
