"""An incident is one folder or one archive of it; nothing outside is read, and nothing in it can hurt."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import zstandard

from attribution.bundle import Bundle, Limits, open_bundle
from attribution.errors import BundleError
from tests.readers.material import FILES, INCIDENT, write_folder

Pack = Callable[[Iterable[tuple[str, bytes]]], bytes]


def pack_tar(members: Iterable[tuple[str, bytes]]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def pack_tar_gz(members: Iterable[tuple[str, bytes]]) -> bytes:
    return gzip.compress(pack_tar(members))


def pack_tar_zst(members: Iterable[tuple[str, bytes]]) -> bytes:
    return zstandard.compress(pack_tar(members))


def pack_zip(members: Iterable[tuple[str, bytes]]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return packed.getvalue()


PACKERS: tuple[tuple[str, Pack], ...] = (
    (".tar", pack_tar),
    (".tar.gz", pack_tar_gz),
    (".tgz", pack_tar_gz),
    (".tar.zst", pack_tar_zst),
    (".zip", pack_zip),
)
every_archive = pytest.mark.parametrize(("suffix", "pack"), PACKERS, ids=[suffix for suffix, _ in PACKERS])
MEMBERS = [(name, content.encode()) for name, content in FILES.items()]


def refused(path: Path, limits: Limits | None = None) -> BundleError:
    with pytest.raises(BundleError) as caught, open_bundle(path, limits):
        pass
    return caught.value


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_a_folder_is_read_as_it_lies_there(tmp_path: Path) -> None:
    with open_bundle(write_folder(tmp_path)) as bundle:
        assert bundle.read("incident.yaml") == INCIDENT.encode()
        assert bundle.head("telemetry/../telemetry/probes.csv") == FILES["telemetry/probes.csv"].encode()
        with bundle.open("captures/ce1.pcap") as stream:
            assert stream.read(9) == b"a capture"


@every_archive
@pytest.mark.parametrize("top", ["", "./", "INC-1/"])
def test_an_archive_of_the_folder_is_the_same_incident(tmp_path: Path, suffix: str, pack: Pack, top: str) -> None:
    archive = write(tmp_path / f"incident{suffix}", pack((top + name, content) for name, content in MEMBERS))
    with open_bundle(archive) as bundle:
        unpacked = bundle.root
        assert {name: bundle.read(name) for name in FILES} == dict(MEMBERS)
    assert not unpacked.exists()


def test_the_kind_of_an_archive_is_told_by_its_content_not_its_name(tmp_path: Path) -> None:
    with open_bundle(write(tmp_path / "incident.zip", pack_tar_gz(MEMBERS))) as bundle:
        assert bundle.read("incident.yaml") == INCIDENT.encode()


def test_every_opened_file_is_an_input_with_its_digest_and_no_other_is(tmp_path: Path) -> None:
    with open_bundle(write_folder(tmp_path)) as bundle:
        bundle.read("topology.json")
        bundle.head("incident.yaml")
        bundle.open("captures/ce1.pcap").close()
        inputs = bundle.inputs
    assert [entry.file for entry in inputs] == ["captures/ce1.pcap", "incident.yaml", "topology.json"]
    for entry in inputs:
        content = FILES[entry.file].encode()
        assert (entry.sha256, entry.octets) == (hashlib.sha256(content).hexdigest(), len(content))


def test_the_digest_of_a_file_is_known_without_reading_it_into_memory(tmp_path: Path) -> None:
    with open_bundle(write_folder(tmp_path)) as bundle:
        assert bundle.digest("incident.yaml") == hashlib.sha256(INCIDENT.encode()).hexdigest()


@pytest.mark.parametrize("name", ["truth.yaml", "./truth.yaml", "telemetry/../truth.yaml", "telemetry/labels.csv"])
def test_the_labelled_answer_is_never_read_under_any_name(tmp_path: Path, name: str) -> None:
    folder = write_folder(tmp_path, {**FILES, "truth.yaml": "party: customer"})
    (folder / "telemetry/labels.csv").symlink_to("../truth.yaml")
    with open_bundle(folder) as bundle, pytest.raises(BundleError, match="the labelled answer"):
        bundle.read(name)


def test_whether_the_labelled_answer_is_there_changes_nothing(tmp_path: Path) -> None:
    with_answer = write_folder(tmp_path / "with", {**FILES, "truth.yaml": "party: customer"})
    answers = []
    for folder in (write_folder(tmp_path / "without"), with_answer):
        with open_bundle(folder) as bundle:
            for name in ("truth.yaml", "truths.yaml"):
                with pytest.raises(BundleError) as caught:
                    bundle.read(name)
                answers.append(str(caught.value))
            assert bundle.inputs == ()
        (folder / "incident.yaml").unlink()
        answers.append(refused(folder).found)
    assert answers[:3] == answers[3:]


@every_archive
def test_the_labelled_answer_is_not_even_unpacked(tmp_path: Path, suffix: str, pack: Pack) -> None:
    members = [(f"INC-1/{name}", content) for name, content in [*MEMBERS, ("truth.yaml", b"party: customer")]]
    with open_bundle(write(tmp_path / f"incident{suffix}", pack(members))) as bundle:
        assert not (bundle.root / "truth.yaml").exists()


def test_a_file_that_is_not_there_is_named_with_the_one_that_was_meant(tmp_path: Path) -> None:
    with open_bundle(write_folder(tmp_path)) as bundle, pytest.raises(BundleError) as caught:
        bundle.read("telemetry/probe.csv")
    assert str(caught.value) == (
        "telemetry/probe.csv: found no file 'telemetry/probe.csv'; "
        "expected a file of the bundle (is 'telemetry/probes.csv' meant?)"
    )


@pytest.mark.parametrize("name", ["/etc/passwd", "../secret.csv", "telemetry/../../secret.csv", "..", "telemetry\0"])
def test_a_path_outside_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path / "secret.csv", b"secret")
    with open_bundle(write_folder(tmp_path / "incident")) as bundle, pytest.raises(BundleError, match="outside"):
        bundle.read(name)


def test_a_symbolic_link_out_of_the_folder_is_refused_and_one_inside_is_followed(tmp_path: Path) -> None:
    write(tmp_path / "secret.csv", b"secret")
    folder = write_folder(tmp_path / "incident")
    (folder / "outside.csv").symlink_to("../secret.csv")
    (folder / "inside.csv").symlink_to("telemetry/probes.csv")
    (folder / "loop.csv").symlink_to("loop.csv")
    with open_bundle(folder) as bundle:
        assert bundle.read("inside.csv") == FILES["telemetry/probes.csv"].encode()
        with pytest.raises(BundleError, match="linked to outside the folder"):
            bundle.read("outside.csv")
        with pytest.raises(BundleError, match="no file"):
            bundle.read("loop.csv")


def test_a_folder_or_a_pipe_is_no_file_of_evidence(tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    os.mkfifo(folder / "pipe.csv")
    with open_bundle(folder) as bundle:
        with pytest.raises(BundleError, match="which is a folder"):
            bundle.read("telemetry")
        with pytest.raises(BundleError, match="a device or pipe"):
            bundle.read("pipe.csv")


def test_what_may_not_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_folder(tmp_path)
    monkeypatch.setattr(os, "access", lambda path, _: Path(path).name != "probes.csv")
    with open_bundle(folder) as bundle, pytest.raises(BundleError, match="which may not be read"):
        bundle.read("telemetry/probes.csv")
    assert "may not be read" in str(refused(folder / "telemetry/probes.csv"))


def test_a_file_over_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    limits = Limits(file_octets=400)
    with open_bundle(write_folder(tmp_path), limits) as bundle, pytest.raises(BundleError, match="at most 400"):
        bundle.read("incident.yaml")


def test_a_bundle_without_incident_yaml_says_so(tmp_path: Path) -> None:
    assert "found no incident.yaml: it is empty" in str(refused(tmp_path))
    write(tmp_path / "incident.yml", b"schema: 1")
    assert "found no incident.yaml, only incident.yml" in str(refused(tmp_path))
    archive = write(tmp_path / "a.zip", pack_zip([("a/b/incident.yaml", b"schema: 1")]))
    assert "expected incident.yaml at the top of the incident" in str(refused(archive))


def test_what_is_neither_a_folder_nor_an_archive_says_so(tmp_path: Path) -> None:
    assert "found nothing there; expected a folder, or a .tar.gz" in str(refused(tmp_path / "absent"))
    assert "found a file of another kind" in str(refused(write(tmp_path / "notes.txt", b"hello")))
    assert "found a file of another kind" in str(refused(write(tmp_path / "empty.zip", b"")))


@every_archive
@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "a/../../outside", "C:/outside", "..\\outside"])
def test_an_archive_cannot_write_outside(tmp_path: Path, suffix: str, pack: Pack, name: str) -> None:
    archive = write(tmp_path / f"incident{suffix}", pack([*MEMBERS, (name, b"evil")]))
    assert "which leads outside" in str(refused(archive))
    assert not list(tmp_path.rglob("outside"))


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE], ids=repr
)
def test_a_tar_with_a_link_or_device_is_refused(tmp_path: Path, kind: bytes) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("telemetry")
        member.type, member.linkname = kind, "/etc"
        archive.addfile(member)
    assert "a link or device" in str(refused(write(tmp_path / "incident.tar", packed.getvalue())))


def test_a_zip_with_a_link_is_refused(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        member = zipfile.ZipInfo("telemetry")
        member.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(member, "/etc")
    assert "a link or device" in str(refused(write(tmp_path / "incident.zip", packed.getvalue())))


@every_archive
def test_a_bomb_is_noticed_by_what_comes_out_of_it(tmp_path: Path, suffix: str, pack: Pack) -> None:
    bomb = write(tmp_path / f"bomb{suffix}", pack([*MEMBERS, ("zeros", bytes(3_000_000))]))
    assert "more than 1000000 octets in 'zeros'" in str(refused(bomb, Limits(file_octets=1_000_000)))
    assert "more than 2000000 octets in all" in str(refused(bomb, Limits(total_octets=2_000_000)))
    assert "more than 3 files" in str(refused(bomb, Limits(files=3)))


def test_a_tar_header_that_announces_an_endless_name_is_refused(tmp_path: Path) -> None:
    member = tarfile.TarInfo("././@LongLink")
    member.type, member.size = tarfile.GNUTYPE_LONGNAME, 1 << 40
    archive = write(tmp_path / "incident.tar", member.tobuf(tarfile.GNU_FORMAT) + bytes(4096))
    assert "a header of 1099511627776 octets" in str(refused(archive))


@every_archive
def test_a_truncated_archive_is_an_error_wherever_it_is_cut(tmp_path: Path, suffix: str, pack: Pack) -> None:
    whole = pack(MEMBERS)
    needed = len(whole.rstrip(b"\0"))  # behind that, a tar only has padding to lose
    for kept in (*range(1, needed, needed // 23), needed - 1):
        error = refused(write(tmp_path / f"incident{suffix}", whole[:kept]))
        assert "damaged or truncated" in str(error) or "another kind" in str(error) or "incident.yaml" in str(error)


def test_a_tar_cut_between_two_files_has_lost_evidence_and_is_refused(tmp_path: Path) -> None:
    without_end = pack_tar(MEMBERS).rstrip(b"\0")
    without_end += bytes(-len(without_end) % 512)
    for content in (without_end, zstandard.compress(without_end), gzip.compress(without_end)):
        assert "no end mark" in str(refused(write(tmp_path / "incident.tar", content)))


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    packed = bytearray(pack_zip(MEMBERS))
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        position = -1
        while (position := packed.find(signature, position + 1)) >= 0:
            packed[position + flags] |= 1
    assert "cannot be unpacked" in str(refused(write(tmp_path / "incident.zip", bytes(packed))))


@every_archive
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_that_holds_a_file_twice_is_refused(tmp_path: Path, suffix: str, pack: Pack) -> None:
    twice = write(tmp_path / f"twice{suffix}", pack([*MEMBERS, ("./incident.yaml", b"another")]))
    assert "'incident.yaml' twice" in str(refused(twice))
    both = write(tmp_path / f"both{suffix}", pack([*MEMBERS, ("incident.yaml/inner", b"another")]))
    assert "which cannot be written" in str(refused(both))


@every_archive
def test_what_archivers_leave_behind_is_ignored(tmp_path: Path, suffix: str, pack: Pack) -> None:
    litter = [("__MACOSX/INC-1/._incident.yaml", b"x"), ("INC-1/._incident.yaml", b"x"), (".DS_Store", b"x")]
    members = [*litter, *((f"INC-1/{name}", content) for name, content in MEMBERS)]
    with open_bundle(write(tmp_path / f"incident{suffix}", pack(members))) as bundle:
        assert bundle.read("incident.yaml") == INCIDENT.encode()


def test_gzip_members_and_padding_one_after_the_other_are_one_archive(tmp_path: Path) -> None:
    packed = pack_tar(MEMBERS)
    halves = gzip.compress(packed[:700]) + gzip.compress(packed[700:]) + bytes(1000)
    with open_bundle(write(tmp_path / "incident.tgz", halves)) as bundle:
        assert bundle.read("incident.yaml") == INCIDENT.encode()


def test_nothing_is_left_behind_when_reading_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    refused(write(tmp_path / "incident.tar", pack_tar([*MEMBERS, ("../outside", b"evil")])))
    assert not list(place.iterdir())


def test_a_name_that_no_file_can_have_is_an_error(tmp_path: Path) -> None:
    archive = write(tmp_path / "incident.tgz", pack_tar_gz([*MEMBERS, ("a" * 300, b"x")]))
    assert "which cannot be written" in str(refused(archive))


def test_a_bundle_is_a_value_that_compares_by_its_folder(tmp_path: Path) -> None:
    assert Bundle(tmp_path) == Bundle(tmp_path)
