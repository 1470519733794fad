"""The clauses of an agreement for reading, in both languages, as their file states them."""

from __future__ import annotations

from attribution.model.agreement import Agreement, Clause


def render_agreement(agreement: Agreement) -> str:
    """All clauses in their order, below the agreement's titles."""
    head = f"{agreement.title_en}\n{agreement.title_zh}\n"
    return "\n".join((head, *(render_clause(clause) for clause in agreement.clauses.values())))


def render_clause(clause: Clause) -> str:
    """One clause: its number, whom it burdens, its words, and what a reader should know."""
    origin = "" if clause.official_zh else " (our translation)"
    lines = [f"{clause.id}  burdens the {clause.burdens}", f"  {clause.text_en}", f"  {clause.text_zh}{origin}"]
    if clause.remedy is not None:
        lines.append(f"  Its breach allows: {clause.remedy}")
    if clause.note:
        lines.append(f"  Note: {clause.note}")
    return "\n".join(lines) + "\n"
