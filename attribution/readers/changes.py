"""Change records: tickets that say who worked on which device and port, when, and whether the other side agreed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from attribution.model.incident import Origin
from attribution.model.observation import Caveat, ChangeRecord
from attribution.model.phrase import Phrase, Template
from attribution.model.topology import Side
from attribution.readers.tables import read_table

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
MEANS_NOBODY = Template("'{words}' in consented_by names nobody: it was taken that the other side had not agreed")


def read_changes(content: bytes, origin: Origin) -> Iterator[ChangeRecord | Caveat]:
    """A side worked on a device, or on one of its ports, with or without the other side's consent.

    An empty `interface` means the whole device, an empty `end` that the work is not known to have ended, an empty
    `consented_by` that the other side never agreed; so does a word that says as much, with a caveat. Consent without
    its time is kept, with a caveat.
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
        )
