"""Files of evidence may lie there compressed: gzip and Zstandard are recognised by their content, not their name."""

from __future__ import annotations

import zlib

from attribution.errors import EvidenceError

GZIP = b"\x1f\x8b"
ZSTANDARD = b"\x28\xb5\x2f\xfd"
LARGEST_OCTETS = 1 << 30


def read_plain(content: bytes, file: str, largest: int = LARGEST_OCTETS) -> bytes:
    """The content, decompressed where it is compressed.

    Errors: EvidenceError for a damaged or truncated stream, and for one that would unpack to more than `largest`.
    """
    if not content.startswith((GZIP, ZSTANDARD)):
        return content
    plain, complete = _decompress(content, file, largest + 1)
    if len(plain) > largest:
        raise EvidenceError(file, f"found more than {largest} octets once decompressed", "expected a smaller file")
    if not complete:
        raise EvidenceError(file, "found compressed content that ends early", "expected a complete file")
    return plain


def read_beginning(content: bytes, file: str, octets: int = 1 << 16) -> bytes:
    """As much plain content as the first octets of a file give, up to `octets`; that it ends early is no error."""
    if not content.startswith((GZIP, ZSTANDARD)):
        return content[:octets]
    return _decompress(content, file, octets)[0][:octets]


def _decompress(content: bytes, file: str, limit: int) -> tuple[bytes, bool]:
    """Up to `limit` octets of all the members or frames one after the other, and whether the last one was complete."""
    import zstandard  # only where something may be compressed: it costs start-up time

    plain = bytearray()
    complete = True
    while content and len(plain) < limit:
        try:
            if content.startswith(GZIP):
                member = zlib.decompressobj(wbits=31)
                plain += member.decompress(content, limit - len(plain))
                complete, content = member.eof, member.unused_data
            elif content.startswith(ZSTANDARD):
                piece, complete, content = _zstandard_frame(content, limit - len(plain))
                plain += piece
            else:
                raise EvidenceError(file, "found something else after the compressed content", "expected its end")
        except (zlib.error, zstandard.ZstdError) as error:
            raise EvidenceError(file, f"found damaged compressed content ({error})", "expected gzip or zstd") from None
        if not complete:
            break
    return bytes(plain), complete


def _zstandard_frame(content: bytes, limit: int) -> tuple[bytes, bool, bytes]:
    """One frame: plain octets, whether it is complete, and the rest.

    Fed in slices, of which none can become more than 32 MB (RFC 8878: 128 KB a block of four octets).
    """
    import zstandard

    frame = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
    plain = bytearray()
    position = 0
    while position < len(content) and not frame.eof and len(plain) < limit:
        plain += frame.decompress(content[position : position + 1024])
        position += 1024
    return bytes(plain), frame.eof, frame.unused_data + content[position:] if frame.eof else b""
