"""What can keep the laboratory from making a recording that counts."""

from __future__ import annotations


class LabError(Exception):
    """The laboratory cannot do what was asked; the message says where, what is wrong, and what was expected."""

    exit_status = 3


class UsageError(LabError):
    """What was asked for does not exist or does not fit together."""

    exit_status = 2


class EnvironmentLacking(LabError):
    """The machine lacks something that a recording needs: the superuser, a program, or a feature of its kernel."""

    exit_status = 3


class RecordingRefused(LabError):
    """The fault did not show the effect that its scenario promises: such a recording would teach a falsehood."""

    exit_status = 4
