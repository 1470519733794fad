"""Change records: tickets that say who worked on which device and port, when, and whether the other side agreed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from attribution.errors import EvidenceError
from attribution.model.incident import Origin
from attribution.model.observation import Caveat, ChangeRecord
from attribution.model.phrase import Phrase, Template
from attribution.model.topology import Side
from attribution.readers.tables import read_table
from attribution.readers.times import parse_time

COLUMNS = (
    "id", "start", "end", "performed_by", "device", "interface",
    "action", "consented_by", "consented_at", "description",
)  # fmt: skip

# What people type into a cell that should be left empty.
NOBODY = re.compile(
    r"[-_./?\u2013\u2014]+|n\.?/?a\.?|none|null|nil|no|no ?one|nobody|pending|tbd|missing|waiting.*|awaiting.*"
    r"|not? ?(yet |been )?(given|agreed|approved|asked|consented|obtained)|refused|rejected|denied|declined"
    r"|无|没有|暂无|否|未|未同意|不同意|未批准|未通知|未确认|拒绝|待定|待批准|待确认|待审批",
    re.IGNORECASE,
)
# How people write that consent was taken back, and what says before it that it was not, or might be.
_TAKEN_BACK = r"(?:withdr(?:ew|awn|aws?)|revoked?s?|cancell?ed|rescinded|retracted|called off|撤回|撤销|取消|收回)"
_CONSENT = r"(?:consent|approval|agreement|permission|authori[sz]ation|同意|批准|许可|授权)"
_NOT_SO = r"(?:\bnot\b|n't\b|\bnever\b|\bunless\b|\buntil\b|\bmay\b|\bcan\b|\bif\b|\bno\b|未|没有|不得|如)"
WITHDRAWN = re.compile(
    rf"{_CONSENT}(?P<between>[^.;。；]{{0,60}}?){_TAKEN_BACK}"
    rf"|{_TAKEN_BACK}(?P<within>[^.;。；]{{0,30}}?){_CONSENT}",
    re.I,
)
OF_THE_GIVER = re.compile(_TAKEN_BACK, re.I)
NEGATED = re.compile(_NOT_SO, re.I)
MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?P<zone>[Zz]|[+-]\d\d:?\d\d)?", re.ASCII
)
TAKEN_BACK = Template("consent was taken back from {time} on, by the words '{words}'")
TAKEN_BACK_AT_ALL = Template("consent was taken back, by the words '{words}', which do not tell when: none was counted")
# How many characters may stand between a moment and the words that it dates; of how many the words are shown.
BESIDE, MOST_SHOWN = 4, 100
MEANS_NOBODY = Template("'{words}' in consented_by names nobody: it was taken that the other side had not agreed")


def read_changes(content: bytes, origin: Origin) -> Iterator[ChangeRecord | Caveat]:
    """A side worked on a device, or on one of its ports, with or without the other side's consent.

    An empty `interface` means the whole device, an empty `end` that the work is not known to have ended, an empty
    `consented_by` that the other side never agreed; so does a word that says as much, with a caveat. Consent without
    its time is kept, with a caveat. Where the words say that consent was taken back, it holds until then.
    Errors: EvidenceError at the first cell that breaks the contract, an end before the start included.
    """
    for row in read_table(content, origin, COLUMNS):
        if isinstance(row, Caveat):
            yield row
            continue
        start, end = row.time("start"), row.optional_time("end")
        if end is not None and end < start:
            raise row.error("end", f"{row.cell('end')}, before the start", "a time after the start, or nothing")
        consented_by, consented_at = row.cell("consented_by") or None, row.optional_time("consented_at")
        if consented_by is not None and NOBODY.fullmatch(consented_by.strip()):
            yield Caveat(origin.file, row.locator, MEANS_NOBODY.fill(words=consented_by))
            consented_by = consented_at = None
        if (consented_by is None) != (consented_at is None):
            reason = (
                Phrase("when consent was given is not stated")
                if consented_by
                else Phrase("a time of consent, but nobody's")
            )
            yield Caveat(origin.file, row.locator, reason)
        withdrawn = _withdrawal(consented_by, row.cell("description"), origin) if consented_by else None
        if withdrawn is not None:
            yield Caveat(origin.file, row.locator, withdrawn.reason)
        yield ChangeRecord(
            time_ns=start,
            origin=origin,
            locator=row.locator,
            id=row.text("id"),
            end_ns=end,
            performed_by=row.choice("performed_by", Side),
            device=row.text("device"),
            interface=row.cell("interface") or None,
            action=row.cell("action"),
            consented_by=consented_by,
            consented_ns=consented_at,
            description=row.cell("description"),
            withdrawn_ns=withdrawn.time_ns if withdrawn is not None else None,
        )


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """From when consent no longer held, 0 where nobody tells when, and what says so."""

    time_ns: int
    reason: Phrase


def _withdrawal(giver: str, description: str, origin: Origin) -> Withdrawal | None:
    """Whether the words of a ticket say that consent was taken back; where its giver stands, the bare word says it."""
    of_giver = OF_THE_GIVER.search(giver)
    if of_giver is not None and not NEGATED.search(giver[: of_giver.start()]):
        return _dated(giver[of_giver.start() :], origin)
    for found in WITHDRAWN.finditer(description):
        before = description[max(0, found.start() - 20) : found.start()] + (found["between"] or found["within"] or "")
        if not NEGATED.search(before):
            earlier = MOMENT.finditer(description, 0, found.start())
            beside = [moment.start() for moment in earlier if found.start() - moment.end() <= BESIDE]
            return _dated(description[(beside or [found.start()])[-1] :], origin)
    return None


def _dated(words: str, origin: Origin) -> Withdrawal:
    """The first moment that the words name, by UTC where they name no zone."""
    shown = words if len(words) <= MOST_SHOWN else words[:MOST_SHOWN] + "…"
    moment = MOMENT.search(words)
    if moment is None:
        return Withdrawal(0, TAKEN_BACK_AT_ALL.fill(words=shown))
    text = moment.group().removesuffix(moment["zone"] or "")
    text = f"{text}:00" if text.count(":") == 1 else text
    try:
        time_ns = parse_time(text + (moment["zone"] or "Z"), origin.file) + (origin.clock_offset_ns or 0)
    except EvidenceError:
        return Withdrawal(0, TAKEN_BACK_AT_ALL.fill(words=shown))
    return Withdrawal(time_ns, TAKEN_BACK.fill(time=moment.group(), words=shown))
