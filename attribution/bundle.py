"""An incident's folder or archive: the only place that opens its files, that counts what they held, and sets limits.

Nothing outside the folder is ever read, whatever incident.yaml, a symbolic link or an archive says, and neither is
truth.yaml: the answer of a labelled incident must not be within reach of what decides it. `read_answer` stands apart,
for evaluation alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import posixpath
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol, Self, cast

from attribution.errors import BundleError
from attribution.model.verdict import InputFile

INCIDENT_FILE = "incident.yaml"
TRUTH_FILE = "truth.yaml"
ARCHIVES = "a folder, or a .tar.gz, .tgz, .tar.zst, .tar or .zip of one"
HEAD_OCTETS = 1 << 16
ANSWER_OCTETS = 1 << 20
_CHUNK = 1 << 18
_COMPRESSED_CHUNK = 1 << 10  # of which no more than 32 MB can come (RFC 8878: 128 KB a block of four octets)
_LITTER = ("__MACOSX", ".DS_Store")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an incident may hold before it is taken for an attack: files, octets a file, and octets in all."""

    files: int = 20_000
    file_octets: int = 4 << 30
    total_octets: int = 8 << 30


@dataclass(frozen=True, slots=True)
class Bundle:
    """The open folder of one incident. Names are relative to incident.yaml, with `/` between their parts.

    Every method raises BundleError for a file that is absent, no plain file, or outside the folder.
    """

    root: Path
    limits: Limits = Limits()
    _opened: dict[str, InputFile | None] = field(default_factory=dict, repr=False)

    def read(self, name: str) -> bytes:
        """The whole content of a file, as it lies there: nothing is decompressed."""
        content = self._locate(name).read_bytes()
        if self._opened.get(_plain(name)) is None:
            self._opened[_plain(name)] = InputFile(_plain(name), hashlib.sha256(content).hexdigest(), len(content))
        return content

    def head(self, name: str) -> bytes:
        """The beginning of a file."""
        with self.open(name) as stream:
            return stream.read(HEAD_OCTETS)

    def open(self, name: str) -> BinaryIO:
        """A stream of the content, for files that need not be in memory as a whole."""
        return self.path(name).open("rb")

    def path(self, name: str) -> Path:
        """Where the file lies, for a library that wants to open it by itself."""
        path = self._locate(name)
        self._opened.setdefault(_plain(name), None)
        return path

    def size(self, name: str) -> int:
        """How many octets a file holds."""
        return self._locate(name).stat().st_size

    def digest(self, name: str) -> str:
        """The SHA-256 of a file's content, in hexadecimal."""
        return self._digested(_plain(name)).sha256

    @property
    def inputs(self) -> tuple[InputFile, ...]:
        """Every file that was opened, with its digest and size, by name."""
        return tuple(self._digested(name) for name in sorted(self._opened))

    def _digested(self, name: str) -> InputFile:
        known = self._opened.get(name)
        if known is not None:
            return known
        digest = hashlib.sha256()
        octets = 0
        with self._locate(name).open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
                octets += len(chunk)
        self._opened[name] = InputFile(name, digest.hexdigest(), octets)
        return InputFile(name, digest.hexdigest(), octets)

    def _locate(self, name: str) -> Path:
        """The plain file of this name inside the folder, symbolic links followed as long as they stay inside."""
        plain = _plain(name)
        if "\0" in name or PurePosixPath(plain).is_absolute() or plain.split("/")[0] == "..":
            raise BundleError(name, f"found the path {name!r} outside the folder", "expected a file inside the folder")
        if plain == TRUTH_FILE:  # whether it is there or not: nothing may depend on that
            raise _answer(name)
        try:
            path = (self.root / plain).resolve()
            inside = path.is_relative_to(self.root)
            mode = path.stat().st_mode if inside else 0
        except FileNotFoundError:
            raise BundleError(name, f"found no file {name!r}", self._expected(plain)) from None
        except (OSError, RuntimeError, ValueError) as error:
            raise BundleError(name, f"found no file {name!r} ({error})", self._expected(plain)) from None
        if not inside:
            raise BundleError(name, f"found {name!r} linked to outside the folder", "expected a file inside the folder")
        if path == self.root / TRUTH_FILE:
            raise _answer(name)
        if not stat.S_ISREG(mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "a device or pipe"
            raise BundleError(name, f"found {name!r}, which is {kind}", "expected a plain file")
        if not os.access(path, os.R_OK):
            raise BundleError(name, f"found {name!r}, which may not be read", "expected a readable file")
        if path.stat().st_size > self.limits.file_octets:
            found = f"found {path.stat().st_size} octets in {name!r}"
            raise BundleError(name, found, f"expected at most {self.limits.file_octets}")
        return path

    def _expected(self, name: str) -> str:
        """What would have been right in place of a file that is not there: the one whose name is nearest."""
        import difflib

        names = [path.relative_to(self.root).as_posix() for path in sorted(self.root.rglob("*")) if path.is_file()]
        names = [other for other in names if other not in (TRUTH_FILE, INCIDENT_FILE)]
        near = difflib.get_close_matches(name, names, n=1)
        return "expected a file of the bundle" + (f" (is {near[0]!r} meant?)" if near else "")


@contextlib.contextmanager
def open_bundle(path: str | Path, limits: Limits | None = None) -> Iterator[Bundle]:
    """An incident's files, from a folder or from an archive, which is unpacked into a folder of its own for the while.

    An archive may hold the incident at its top or in one folder at its top. Errors: BundleError for a path that is
    neither, an archive that is damaged, exceeds the limits or holds links, devices or paths outside, and for a bundle
    without incident.yaml.
    """
    path, limits = Path(path), limits or Limits()
    if path.exists() and not os.access(path, os.R_OK):
        raise BundleError(str(path), "found what may not be read", f"expected {ARCHIVES}")
    if path.is_dir():
        yield _checked(path.resolve(), str(path), limits)
        return
    if not path.is_file():
        found = "found neither a file nor a folder" if path.exists() else "found nothing there"
        raise BundleError(str(path), found, f"expected {ARCHIVES}")
    with tempfile.TemporaryDirectory(prefix="attribution-") as folder:
        root = Path(folder).resolve()
        _unpack(path, _Unpacked(path, root, limits))
        yield _checked(_top(root), str(path), limits)


def read_answer(path: str | Path, limits: Limits | None = None) -> bytes | None:
    """The label of a labelled incident, for whoever compares verdicts with it; None where there is none.

    What decides never calls this: a Bundle refuses the file. Errors: BundleError for a label larger than
    `ANSWER_OCTETS`, a path that cannot be read, and an archive that is damaged or exceeds the limits.
    """
    path = Path(path)
    if path.is_dir():
        try:
            with (path / TRUTH_FILE).open("rb") as stream:
                content = stream.read(ANSWER_OCTETS + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise BundleError(str(path / TRUTH_FILE), f"found {error.strerror}", "expected a readable file") from None
        if len(content) > ANSWER_OCTETS:
            raise BundleError(str(path / TRUTH_FILE), f"found over {ANSWER_OCTETS} octets", "expected a label")
        return content
    answer = _Answer(path, limits or Limits())
    try:
        _unpack(path, answer)
    except OSError as error:
        raise BundleError(str(path), f"found {error.strerror}", f"expected {ARCHIVES}") from None
    return answer.content


def _checked(root: Path, place: str, limits: Limits) -> Bundle:
    if not (root / INCIDENT_FILE).is_file():
        inside = sorted(entry.name for entry in root.iterdir() if entry.name != TRUTH_FILE)[:5]
        found = f"found no {INCIDENT_FILE}" + (f", only {', '.join(inside)}" if inside else ": it is empty")
        raise BundleError(place, found, f"expected {INCIDENT_FILE} at the top of the incident")
    return Bundle(root, limits)


def _top(root: Path) -> Path:
    """The folder with incident.yaml: the archive's top, or the only folder that lies there."""
    entries = list(root.iterdir())
    if len(entries) == 1 and entries[0].is_dir():
        return entries[0]
    return root


def _plain(name: str) -> str:
    return posixpath.normpath(name)


def _answer(name: str) -> BundleError:
    return BundleError(name, f"found {name!r}, the labelled answer", "expected evidence: the answer is never read")


# Unpacking. Sizes are counted as octets come out, never taken from headers, which an attacker writes.


class Readable(Protocol):
    """A stream of octets that can only be read on."""

    def read(self, size: int, /) -> bytes: ...


class _Unpacked:
    """The folder that an archive is unpacked into, and how much has come out so far."""

    def __init__(self, archive: Path, root: Path, limits: Limits) -> None:
        self._archive = archive
        self._root = root
        self._limits = limits
        self._files = 0
        self._octets = 0

    def error(self, found: str, expected: str) -> BundleError:
        return BundleError(str(self._archive), f"found {found}", f"expected {expected}")

    def count(self, octets: int) -> None:
        """Note that so many octets came out of the archive. Errors: BundleError once there are too many."""
        self._octets += octets
        if self._octets > self._limits.total_octets:
            raise self.error(f"more than {self._limits.total_octets} octets in all", "a smaller archive")

    def wanted(self, name: str) -> str | None:
        """The member's name in plain form; None for what archivers leave behind and for the labelled answer.

        Errors: BundleError for an absolute path, or one that leads outside.
        """
        parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
        if name.startswith(("/", "\\")) or ".." in parts or "\0" in name or (parts and parts[0].endswith(":")):
            raise self.error(f"the path {name!r}, which leads outside", "paths inside the archive")
        if not parts or parts[0] in _LITTER or parts[-1] in _LITTER or parts[-1].startswith("._"):
            return None
        return None if parts[-1] == TRUTH_FILE and len(parts) <= 2 else "/".join(parts)

    def add(self, name: str, content: Readable) -> None:
        """Write one member out. Errors: BundleError where a limit is exceeded or the name is taken."""
        self._files += 1
        if self._files > self._limits.files:
            raise self.error(f"more than {self._limits.files} files", "fewer")
        target = self._root / name
        octets = 0
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as output:
                while chunk := content.read(_CHUNK):
                    octets += len(chunk)
                    if octets > self._limits.file_octets:
                        raise self.error(f"more than {self._limits.file_octets} octets in {name!r}", "a smaller file")
                    output.write(chunk)
        except OSError as error:
            if isinstance(error, FileExistsError) and error.filename == str(target):
                raise self.error(f"{name!r} twice", "each file once") from None
            raise self.error(f"{name!r}, which cannot be written ({error.strerror})", "names of files") from None


class _Answer(_Unpacked):
    """An archive of which only the label beside incident.yaml is kept, in memory; the rest is passed over."""

    def __init__(self, archive: Path, limits: Limits) -> None:
        super().__init__(archive, Path(), limits)
        self._labels: dict[str, bytes] = {}
        self._incidents: set[str] = set()

    @property
    def content(self) -> bytes | None:
        """The label of the incident: at the top, or in one folder at the top."""
        homes = sorted(self._incidents, key=len)
        return next((self._labels[home] for home in homes if home in self._labels), None)

    def wanted(self, name: str) -> str | None:
        """The folder of a label; where the incident itself lies is noted in passing."""
        *above, last = [part for part in name.split("/") if part not in ("", ".")] or [""]
        if last == INCIDENT_FILE:
            self._incidents.add("/".join(above))
        return "/".join(above) if last == TRUTH_FILE and len(above) <= 1 else None

    def add(self, name: str, content: Readable) -> None:
        """Keep the label of a folder. Errors: BundleError where it is too large, or there twice."""
        if name in self._labels:
            raise self.error(f"{TRUTH_FILE!r} twice", "each file once")
        self._labels[name] = content.read(ANSWER_OCTETS + 1)
        if len(self._labels[name]) > ANSWER_OCTETS:
            raise self.error(f"over {ANSWER_OCTETS} octets in {TRUTH_FILE!r}", "a label")


def _unpack(archive: Path, unpacked: _Unpacked) -> None:
    """Unpack an archive, whose kind is told by its content. Errors: BundleError, also where it is damaged."""
    with archive.open("rb") as stream:
        magic = stream.read(512)
        stream.seek(0)
        try:
            if magic.startswith((b"PK\x03\x04", b"PK\x05\x06")):
                _unpack_zip(stream, unpacked)
            elif magic.startswith(b"\x1f\x8b"):
                _unpack_tar(_Plain(stream, _gzip_member), unpacked)
            elif magic.startswith(b"\x28\xb5\x2f\xfd"):
                _unpack_tar(_Plain(stream, _zstandard_frame), unpacked)
            elif magic[257:262] == b"ustar":
                _unpack_tar(stream, unpacked)
            else:
                raise unpacked.error("a file of another kind", ARCHIVES)
        except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, ValueError, OverflowError) as error:
            raise unpacked.error(f"a damaged or truncated archive ({error})", ARCHIVES) from None
        except (RuntimeError, NotImplementedError) as error:  # zipfile: a password, or a method it does not know
            raise unpacked.error(f"an archive that cannot be unpacked ({error})", "a plain one") from None


def _unpack_zip(stream: BinaryIO, unpacked: _Unpacked) -> None:
    with zipfile.ZipFile(stream) as archive:
        for member in archive.infolist():
            name = unpacked.wanted(member.filename)
            mode = member.external_attr >> 16
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise unpacked.error(f"{member.filename!r}, a link or device", "files and folders")
            if name is not None and not member.is_dir():
                with archive.open(member) as content:
                    unpacked.add(name, _Counted(content, unpacked))


def _unpack_tar(stream: Readable, unpacked: _Unpacked) -> None:
    """Members in the order of the stream. A tar without its end mark has lost its tail, and maybe evidence with it."""
    counted = _Counted(stream, unpacked)
    with tarfile.open(fileobj=cast(BinaryIO, counted), mode="r|", tarinfo=_Member, errorlevel=2) as archive:
        for member in archive:
            name = unpacked.wanted(member.name)
            if not (member.isreg() or member.isdir()):
                raise unpacked.error(f"{member.name!r}, a link or device", "files and folders")
            content = archive.extractfile(member) if name is not None and member.isreg() else None
            if name is not None and content is not None:
                unpacked.add(name, content)
    while counted.read(_CHUNK):
        pass
    if counted.last != bytes(512):
        raise EOFError("no end mark")


class _Member(tarfile.TarInfo):
    """A member's header; one that announces a name of a megabyte is refused before that is read into memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        member = super().frombuf(buf, encoding, errors)
        if member.type not in (*tarfile.REGULAR_TYPES, tarfile.DIRTYPE) and member.size > 1 << 20:
            raise tarfile.ReadError(f"a header of {member.size} octets")
        return member


class _Counted:
    """A tar stream with its last 512 octets, which are zeros where it is complete, and an end to what it may hold."""

    def __init__(self, stream: Readable, unpacked: _Unpacked) -> None:
        self._stream = stream
        self._unpacked = unpacked
        self.last = b""

    def read(self, size: int, /) -> bytes:
        chunk = self._stream.read(size)
        self.last = (self.last + chunk)[-512:]
        self._unpacked.count(len(chunk))
        return chunk


Decompressor = Callable[[bytes], tuple[bytes, bool, bytes]]


class _Plain:
    """The decompressed octets of a stream of gzip members or Zstandard frames; raises EOFError where it ends early."""

    def __init__(self, stream: BinaryIO, new_member: Callable[[], Decompressor]) -> None:
        self._stream = stream
        self._new_member = new_member
        self._member: Decompressor | None = new_member()
        self._rest = b""
        self._plain = b""

    def read(self, size: int, /) -> bytes:
        while not self._plain and self._advance():
            pass
        piece, self._plain = self._plain[:size], self._plain[size:]
        return piece

    def _advance(self) -> bool:
        """Decompress a little more; False at the end. Zeros after a member are padding, as some tools leave it."""
        chunk = self._rest or self._stream.read(_COMPRESSED_CHUNK)
        self._rest = b""
        if not chunk:
            if self._member is not None:
                raise EOFError("the compressed stream ends early")
            return False
        if self._member is None:
            chunk = chunk.lstrip(b"\0")
            if not chunk:
                return True
            self._member = self._new_member()
        self._plain, ended, self._rest = self._member(chunk)
        if ended:
            self._member = None
        return True


def _gzip_member() -> Decompressor:
    member = zlib.decompressobj(wbits=31)

    def decompress(chunk: bytes) -> tuple[bytes, bool, bytes]:
        plain = member.decompress(chunk, 1 << 20)
        return plain, member.eof, member.unused_data if member.eof else member.unconsumed_tail

    return decompress


def _zstandard_frame() -> Decompressor:
    import zstandard

    frame = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()

    def decompress(chunk: bytes) -> tuple[bytes, bool, bytes]:
        try:
            plain = frame.decompress(chunk)
        except zstandard.ZstdError as error:
            raise EOFError(str(error)) from None
        return plain, frame.eof, frame.unused_data

    return decompress
