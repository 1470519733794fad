"""TLS records that can be read: the handshake's and its alerts, while they are not encrypted (RFC 8446 §5, 5246 §6).

A record is looked for where a segment's payload begins, and behind a record that ends within the segment. An alert in
the clear is two octets long; an encrypted one is longer, or passes for application data, and says nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from attribution.model.phrase import Phrase

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = 20, 21, 22, 23
CLIENT_HELLO, SERVER_HELLO = 1, 2
RECORD_HEADER: Final = 5
LONGEST_RECORD: Final = (1 << 14) + 2048
LEVELS: Final = {1: Phrase("warning"), 2: Phrase("fatal")}
DESCRIPTIONS: Final = {
    0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 21: "decryption_failed",
    22: "record_overflow", 30: "decompression_failure", 40: "handshake_failure", 41: "no_certificate",
    42: "bad_certificate", 43: "unsupported_certificate", 44: "certificate_revoked", 45: "certificate_expired",
    46: "certificate_unknown", 47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error",
    51: "decrypt_error", 60: "export_restriction", 70: "protocol_version", 71: "insufficient_security",
    80: "internal_error", 86: "inappropriate_fallback", 90: "user_canceled", 100: "no_renegotiation",
    109: "missing_extension", 110: "unsupported_extension", 111: "certificate_unobtainable", 112: "unrecognized_name",
    113: "bad_certificate_status_response", 114: "bad_certificate_hash_value", 115: "unknown_psk_identity",
    116: "certificate_required", 120: "no_application_protocol", 121: "ech_required",
}  # fmt: skip
CLOSE_NOTIFY: Final = 0


class TlsRecord(NamedTuple):
    """A record that begins in a segment: its type, the length that it states, and its first captured octets."""

    kind: int
    start: int
    length: int
    body: bytes

    @property
    def is_client_hello(self) -> bool:
        return self._says(CLIENT_HELLO)

    @property
    def is_server_hello(self) -> bool:
        return self._says(SERVER_HELLO)

    @property
    def alert(self) -> tuple[int, int] | None:
        """Level and description of an alert in the clear."""
        if self.kind != ALERT or self.length != 2 or len(self.body) < 2:
            return None
        level, description = self.body[0], self.body[1]
        return (level, description) if level in LEVELS and description in DESCRIPTIONS else None

    def _says(self, message: int) -> bool:
        """A hello states its own length, which its record must not belie: the first of several, or one of several."""
        return (
            self.kind == HANDSHAKE
            and len(self.body) >= 6
            and self.body[0] == message
            and self.body[4] == 3
            and 34 <= int.from_bytes(self.body[1:4], "big") <= 1 << 17
        )


def may_be_tls(octets: bytes, at: int) -> bool:
    """Whether a record of the handshake may begin here: its type, and a version from 3.0 (SSL 3) to 3.4."""
    return (
        at + 3 <= len(octets) and CHANGE_CIPHER_SPEC <= octets[at] <= HANDSHAKE
        and octets[at + 1] == 3 and octets[at + 2] <= 4
    )  # fmt: skip


def tls_records(payload: bytes) -> Iterator[TlsRecord]:
    """The records that begin in a segment's payload."""
    at = 0
    while at + RECORD_HEADER <= len(payload):
        kind = payload[at]
        length = payload[at + 3] << 8 | payload[at + 4]
        known = CHANGE_CIPHER_SPEC <= kind <= APPLICATION_DATA and payload[at + 1] == 3 and payload[at + 2] <= 4
        if not known or not 0 < length <= LONGEST_RECORD:
            return
        yield TlsRecord(kind, at, length, payload[at + RECORD_HEADER : at + RECORD_HEADER + length])
        at += RECORD_HEADER + length


def alert_words(level: int, description: int) -> Phrase:
    name = DESCRIPTIONS[description]
    return Phrase("{level} alert {name} ({number})", level=LEVELS[level], name=name, number=description)
