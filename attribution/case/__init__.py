"""A case that can be defended: everything that a decision read and concluded, kept so that anyone can decide it anew.

Pure functions from what the pipeline has to the contents of files, and from two such cases to what differs between
them. `attribution.cli.case` writes and reads the folder.
"""

from attribution.case.comparison import (
    check_intact,
    compare_inputs,
    compare_program,
    compare_results,
    remark_environment,
    seal_of,
)
from attribution.case.keeping import compile_case
from attribution.case.manifest import read_manifest
from attribution.case.program import state_program

__all__ = [
    "check_intact",
    "compare_inputs",
    "compare_program",
    "compare_results",
    "compile_case",
    "read_manifest",
    "remark_environment",
    "seal_of",
    "state_program",
]
