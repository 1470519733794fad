"""Account events: invoices, payments, notices, and what the provider did to the account on their ground."""

from __future__ import annotations

from collections.abc import Iterator

from attribution.model.incident import Origin
from attribution.model.observation import AccountEvent, AccountEventKind, Caveat
from attribution.readers.tables import read_table

COLUMNS = ("time", "event", "detail")


def read_account_events(content: bytes, origin: Origin) -> Iterator[AccountEvent | Caveat]:
    """Something happened between the customer's account and the provider's billing or compliance.

    The time of `payment_due` is the day it fell due; `detail` names the invoice, address or reason in words.
    Errors: EvidenceError at the first cell that breaks the contract.
    """
    for row in read_table(content, origin, COLUMNS):
        if isinstance(row, Caveat):
            yield row
            continue
        yield AccountEvent(
            time_ns=row.time("time"),
            origin=origin,
            locator=row.locator,
            kind=row.choice("event", AccountEventKind),
            detail=row.cell("detail"),
        )
