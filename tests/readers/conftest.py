"""Property tests without a stop-watch: a busy machine is no defect of a reader."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("readers", deadline=None)
settings.load_profile("readers")
