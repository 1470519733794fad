"""A month's incidents in two files: a summary for people (Markdown) and a table for a spreadsheet (CSV).

python docs/examples/month_summary.py FOLDER... -o NAME

Every folder below those given that holds an incident.yaml, and every archive, is decided; NAME.md and NAME.csv are
written. An incident that cannot be used is listed with the reason and does not stop the others. Nothing here but the
public interface: take it, change it.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import attribution

ARCHIVES = (".tar.gz", ".tgz", ".tar.zst", ".tar", ".zip")
COLUMNS = (
    "incident", "folder", "party", "clause", "probability", "start", "seconds", "customer_seconds", "provider_seconds",
    "root_cause", "kind", "requests",
)  # fmt: skip


def find_incidents(paths: Iterable[Path]) -> Iterator[Path]:
    """Incidents at or below the paths, in the order of their names."""
    for path in paths:
        if path.is_file() or (path / "incident.yaml").is_file():
            yield path
        else:
            inside = (entry for entry in path.iterdir() if entry.is_dir() or entry.name.endswith(ARCHIVES))
            yield from find_incidents(sorted(inside))


def row_of(path: Path, verdict: attribution.Verdict) -> dict[str, object]:
    """One line of the table."""
    root = next((cause for cause in verdict.causes if cause.caused_by is None), None)
    spent = verdict.interruption.seconds_by_party
    document = verdict.to_dict()["interruption"]
    return {
        "incident": verdict.incident,
        "folder": path.name,
        "party": verdict.party.value,
        "clause": verdict.clause or "",
        "probability": f"{verdict.probability:.3f}",
        "start": (document["start"] if isinstance(document, dict) else "") or "",
        "seconds": f"{verdict.interruption.seconds:.1f}",
        "customer_seconds": f"{spent.get('customer', 0.0):.1f}",
        "provider_seconds": f"{spent.get('provider', 0.0):.1f}",
        "root_cause": root.component if root and verdict.party is not attribution.Party.UNDETERMINED else "",
        "kind": root.kind.value if root and verdict.party is not attribution.Party.UNDETERMINED else "",
        "requests": len(verdict.requests),
    }


def summarise(verdicts: dict[Path, attribution.Verdict], broken: dict[Path, str]) -> str:
    """The month in Markdown."""
    counted = f"{len(verdicts)} incidents decided, {len(broken)} that cannot be used."
    lines = ["# Incidents of the month", "", counted, ""]
    lines += by_party(verdicts.values())
    lines += ["", *by_clause(verdicts.values())]
    lines += ["", *undetermined(verdicts.values())]
    if broken:
        lines += ["", "## Cannot be used", "", *(f"- `{path.name}`: {escape(why)}" for path, why in broken.items())]
    return "\n".join(lines) + "\n"


def by_party(verdicts: Iterable[attribution.Verdict]) -> list[str]:
    counts: Counter[str] = Counter()
    seconds: defaultdict[str, float] = defaultdict(float)
    for verdict in verdicts:
        counts[verdict.party.value] += 1
        for party, spent in verdict.interruption.seconds_by_party.items():
            seconds[party] += spent
    lines = ["## By party", "", "| party | incidents | seconds |", "| --- | ---: | ---: |"]
    for party in attribution.Party:
        lines.append(f"| {party.value} | {counts[party.value]} | {seconds[party.value]:.1f} |")
    return lines


def by_clause(verdicts: Iterable[attribution.Verdict]) -> list[str]:
    """Each root cause counts under its own clause, also where both sides answer."""
    seconds: defaultdict[str, float] = defaultdict(float)
    incidents: defaultdict[str, set[str]] = defaultdict(set)
    words: dict[str, str] = {}
    for verdict in verdicts:
        if verdict.party in (attribution.Party.UNDETERMINED, attribution.Party.NEITHER):
            continue
        words |= {provision.id: provision.text_en for provision in verdict.provisions}
        for cause in verdict.causes:
            if cause.caused_by is None and cause.clause is not None:
                seconds[cause.clause] += cause.seconds
                incidents[cause.clause].add(verdict.incident)
    lines = ["## By clause", "", "| clause | incidents | seconds | |", "| --- | ---: | ---: | --- |"]
    for clause in sorted(seconds):
        text = escape(words.get(clause, ""))
        lines.append(f"| {clause} | {len(incidents[clause])} | {seconds[clause]:.1f} | {text} |")
    return lines


def undetermined(verdicts: Iterable[attribution.Verdict]) -> list[str]:
    """What is open, and what would settle it."""
    lines = ["## Undetermined", ""]
    for verdict in verdicts:
        if verdict.party is attribution.Party.UNDETERMINED:
            lines.append(f"- **{escape(verdict.incident)}**, {verdict.interruption.seconds:.1f} s")
            lines += [f"  - ask the {request.from_side} for {escape(request.what)}" for request in verdict.requests]
    return lines if len(lines) > 2 else [*lines, "None."]


def escape(text: str) -> str:
    """Words from evidence, so that a page shows them and obeys none of them."""
    shown = "".join(character if character.isprintable() else " " for character in text)
    for character in "\\`*_[]|~$#":
        shown = shown.replace(character, f"\\{character}")
    return (
        shown.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("@", "@&#8288;")
        .replace("://", ":&#8288;//")
    )


def harmless(value: object) -> object:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("-o", "--output", default="month", metavar="NAME")
    arguments = parser.parse_args()
    verdicts: dict[Path, attribution.Verdict] = {}
    broken: dict[Path, str] = {}
    for path in find_incidents(arguments.folders):
        try:
            verdicts[path] = attribution.decide(path)
        except attribution.AttributionError as error:
            broken[path] = str(error)
    Path(f"{arguments.output}.md").write_text(summarise(verdicts, broken), encoding="utf-8")
    with Path(f"{arguments.output}.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        for path, verdict in verdicts.items():
            table.writerow({column: harmless(value) for column, value in row_of(path, verdict).items()})


if __name__ == "__main__":
    main()
