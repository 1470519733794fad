"""What a reader sees of a verdict: pure functions from a Verdict to text.

Imported lazily by the command line: nothing here needs more than the standard library.
"""

from attribution.report.json_document import render_json
from attribution.report.summary import summarise
from attribution.report.table import render_table

__all__ = ["render_json", "render_table", "summarise"]
