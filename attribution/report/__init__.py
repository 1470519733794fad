"""What a reader sees of a verdict: pure functions from a Verdict to text.

Imported lazily by the command line: nothing here needs more than the standard library.
"""

from attribution.report.explanation import render_explanation
from attribution.report.explanation_document import render_explanation_json
from attribution.report.json_document import render_json
from attribution.report.letter import render_letter
from attribution.report.postmortem import render_postmortem
from attribution.report.summary import summarise
from attribution.report.table import render_table

__all__ = [
    "render_explanation",
    "render_explanation_json",
    "render_json",
    "render_letter",
    "render_postmortem",
    "render_table",
    "summarise",
]
