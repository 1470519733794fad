"""The capture commands: figures on standard output, complaints on standard error, and the promised exit status."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from attribution.cli import run
from attribution.cli.terminal import Progress
from tests.packets.making import SENT_AGAIN, START, ethernet, ipv4, ipv6, pcap, tcp, udp

ROOT = Path(__file__).resolve().parent.parent
CRASH = ROOT / "pcaps" / "customer-edge-crash" / "captures"
CUSTOMER, EDGE = CRASH / "host-a-eth0.pcap.zst", CRASH / "ce1-eth1.pcap.zst"
SCAPY = "scapy.all"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A handshake and a segment that is sent again."""
    path = tmp_path / "again.pcap"
    path.write_bytes(pcap(SENT_AGAIN, nanoseconds=True))
    return path


@pytest.fixture
def many_flows(tmp_path: Path) -> Path:
    """1,200 UDP flows of a packet each."""
    packets = [(START + n, ethernet(ipv4(udp(b"x", 1000 + n, 53), 17))) for n in range(1200)]
    path = tmp_path / "many.pcap"
    path.write_bytes(pcap(packets))
    return path


def command(*arguments: str | Path, stdin: bytes | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "attribution.cli", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        check=False,
        env={**os.environ, **environment},
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def test_summary_prints_a_table(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["capture", "summary", str(file)]) == 0

    printed = capsys.readouterr()
    assert " ".join(printed.out.split()).startswith(f"{file} · pcap · 5 packets")  # however long the name
    assert "tcp.analysis.retransmission" in printed.out
    assert printed.err == ""


@pytest.mark.parametrize("name", ["capture-summary", "capture-comparison"])
def test_json_keeps_to_its_schema(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """On recorded captures, every figure that the engine gives."""
    files = [str(path) for path in sorted(CRASH.iterdir())]
    assert run(["capture", "summary" if name == "capture-summary" else "compare", *files, "-f", "json"]) == 0

    schema = json.loads((resources.files("attribution") / "rules" / "schemas" / f"{name}.json").read_text("utf-8"))
    document = json.loads(capsys.readouterr().out)
    Draft202012Validator(schema).validate(document)
    assert len(document["captures" if name == "capture-summary" else "clocks"]) == 4


@pytest.mark.parametrize("table", ["flows", "health", "witnesses", "loss", "protocols"])
def test_csv_of_several_captures_is_one_table(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["capture", "summary", str(CUSTOMER), str(EDGE), "-f", "csv", "--table", table, "--flows", "0"]) == 0

    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {row["file"] for row in rows} <= {str(CUSTOMER), str(EDGE)}
    assert all(None not in row and None not in row.values() for row in rows)


@pytest.mark.parametrize("table", ["stretches", "bins", "flows", "clocks"])
def test_csv_of_a_comparison(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["capture", "compare", str(CUSTOMER), str(EDGE), "-f", "csv", "--table", table, "--bin", "10"]) == 0

    reader = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert all(None not in row and None not in row.values() for row in reader)
    assert {"uncertainty_ms", "sent"} & set(reader.fieldnames or ())


@pytest.mark.parametrize(("arguments", "first"), [(["summary"], "capture"), (["compare"], "comparison")])
def test_ndjson_is_an_object_a_line(arguments: list[str], first: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["capture", *arguments, str(CUSTOMER), str(EDGE), "-f", "ndjson", "-q"]) == 0

    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert records[0]["record"] == first
    assert sum(record["record"] == "capture" for record in records) == (2 if first == "capture" else 0)


def test_output_goes_to_a_file(file: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["capture", "summary", str(file), "-f", "json", "-o", str(tmp_path / "figures.json")]) == 0

    assert json.loads((tmp_path / "figures.json").read_text("utf-8"))["captures"][0]["packets"] == 5
    assert capsys.readouterr().out == ""


def test_standard_input_is_a_stream() -> None:
    done = command("capture", "summary", "-", stdin=pcap(SENT_AGAIN))

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("standard input · pcap · 5 packets")


def test_a_capture_to_compare_may_come_from_standard_input() -> None:
    done = command("capture", "compare", f"host={CUSTOMER}", "edge=-", "-f", "json", stdin=EDGE.read_bytes())

    assert done.returncode == 0
    points = {stretch["first"]["point"] for stretch in json.loads(done.stdout)["stretches"]}
    assert points == {"host", "edge"}


def test_flows_that_are_left_out_are_announced(many_flows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["capture", "summary", str(many_flows), "-f", "csv"]) == 0
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 1 + 2 * 1000
    assert "the 1,000 largest of 1,200 flows are in the output; --flows 0 gives all" in printed.err

    assert run(["capture", "summary", str(many_flows), "-f", "csv", "--flows", "0"]) == 0
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 1 + 2 * 1200
    assert printed.err == ""


@pytest.mark.parametrize(("flows", "shown"), [("3", 3), ("0", 1200), (None, 10)])
def test_a_table_shows_as_many_flows_as_asked_for(
    flows: str | None, shown: int, many_flows: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["capture", "summary", str(many_flows), *(["--flows", flows] if flows else [])]) == 0
    assert capsys.readouterr().out.count("frame.number==") == shown


def test_compare_says_where_packets_were_lost(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["capture", "compare", f"host={CUSTOMER}", f"edge={EDGE}"]) == 0
    assert capsys.readouterr().out.startswith("Lost from host to edge: ")


def test_a_stated_clock_offset_is_taken_for_true(capsys: pytest.CaptureFixture[str]) -> None:
    """Two captures in agreement: an offset of three seconds stated for one is the other's to make up for."""
    assert run(["capture", "compare", f"a={CUSTOMER}", f"b={EDGE}", "--offset", "a=3", "-f", "json"]) == 0

    shifts = {clock["file"]: clock["shift_ms"] for clock in json.loads(capsys.readouterr().out)["clocks"]}
    assert shifts[str(CUSTOMER)] == 0
    assert shifts[str(EDGE)] == pytest.approx(3000, abs=1)


def test_a_file_whose_name_has_an_equals_sign(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    strange = tmp_path / "a=b.pcap.zst"
    strange.write_bytes(CUSTOMER.read_bytes())

    assert run(["capture", "compare", str(strange), str(EDGE)]) == 0
    assert "a=b → ce1-eth1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (None, "there is no such file"),
        (b"", "the file is empty"),
        (b"no capture at all, but text", "which no capture does"),
    ],
)
@pytest.mark.parametrize("verb", ["summary", "compare", "show"])
def test_what_is_no_capture_is_one_line_and_3(
    verb: str, content: bytes | None, found: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.pcap"
    if content is not None:
        path.write_bytes(content)
    more = {"summary": [], "compare": [str(EDGE)], "show": ["1", "--hex"]}[verb]

    assert run(["capture", verb, str(path), *more]) == 3

    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"attribution: {path}: ")
    assert found in printed.err
    assert "; expected a pcap or pcapng file" in printed.err
    assert printed.err.count("\n") == 1


def test_a_directory_is_said_to_be_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["capture", "summary", str(tmp_path)]) == 3
    assert f"{tmp_path}: this is a directory; expected a pcap" in capsys.readouterr().err


def test_a_file_that_may_not_be_read_is_said(file: Path) -> None:
    """Root may read everything, so where the tests are root's they become somebody else."""
    file.chmod(0)
    code = (
        "import os, sys\n"
        "from attribution.errors import CaptureError\n"
        "from attribution.packets.sources import open_source\n"
        "if os.geteuid() == 0: os.seteuid(65534)\n"
        "try:\n    open_source(sys.argv[1]).__enter__()\n"
        "except CaptureError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, file], capture_output=True, text=True, check=False)

    assert done.stdout == (
        f"{file}: there is no permission to read it; expected a pcap or pcapng file, plain, gzip or zstd\n"
    )


def test_one_bad_file_does_not_hide_the_others(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(tmp_path / "none.pcap"), str(file), str(tmp_path)]
    assert run(["capture", "summary", *files, "-f", "json"]) == 3

    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert [found["file"] for found in document["captures"]] == [str(file)]
    assert [refused["file"] for refused in document["refused"]] == [files[0], files[2]]
    assert printed.err.count("\n") == 2


def test_a_truncated_capture_is_summarised_with_a_caveat(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_bytes(file.read_bytes()[:-10])

    assert run(["capture", "summary", str(file)]) == 0
    assert "the file ends inside a record" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["summary"],
        ["summary", "x", "--format", "xml"],
        ["summary", "x", "--table", "loss"],
        ["summary", "x", "--format", "csv", "--table", "bins"],
        ["summary", "x", "--flows", "-1"],
        ["summary", "-", "-"],
        ["compare", "x"],
        ["compare", "x", "x"],
        ["compare", "a=x", "a=y"],
        ["compare", "x", "y", "--offset", "z=3"],
        ["compare", "x", "y", "--offset", "x=soon"],
        ["compare", "x", "y", "--offset", "x=inf"],
        ["compare", "x", "y", "--bin", "0"],
        ["show", "x"],
        ["show", "x", "0"],
        ["show", "x", "5-3"],
        ["show", "x", "five"],
        ["show", "x", ","],
        ["show", "x", "1-999999999"],
        ["look"],
    ],
)
def test_wrong_usage_is_2_and_prints_no_data(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["capture", *arguments]) == 2

    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Usage: attribution capture" in printed.err


def test_show_takes_packets_apart(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("scapy")
    assert run(["capture", "show", str(file), "5", "1-2"]) == 0

    printed = capsys.readouterr().out
    assert [line.split(" · ")[0] for line in printed.splitlines() if line.startswith("Frame")] == [
        "Frame 1", "Frame 2", "Frame 5",
    ]  # fmt: skip
    assert "dport     = http" in printed
    assert "0000  00 00 00 00 00 04 00 00" in printed


def test_show_needs_no_scapy_for_octets(file: Path) -> None:
    code = (
        "import sys\n"
        "sys.modules['scapy'] = None\n"
        "from attribution.cli import run\n"
        f"sys.exit(run(['capture', 'show', {str(file)!r}, '5', *sys.argv[1:]]))\n"
    )
    with_hex, without = (
        subprocess.run([sys.executable, "-c", code, *more], capture_output=True, text=True, check=False)
        for more in (["--hex"], [])
    )

    assert (with_hex.returncode, with_hex.stderr) == (0, "")
    assert "0000  00 00" in with_hex.stdout
    assert without.returncode == 3
    assert "pip install 'attribution[packets]'" in without.stderr


def test_show_of_a_frame_beyond_the_end_says_how_many_there_are(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["capture", "show", str(file), "4,77", "--hex"]) == 3

    printed = capsys.readouterr()
    assert printed.out.startswith("Frame 4 ")
    assert "frame 77 is not there; expected one of its 5 frames" in printed.err


def test_packets_cannot_speak_to_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("scapy")
    path = tmp_path / "hostile.pcap"
    path.write_bytes(pcap([(START, ethernet(ipv6(tcp(payload=b"\x1b[31m\x9b2J\r\n"), 6), 0x86DD))]))

    assert run(["capture", "show", str(path), "1"]) == 0
    assert all(character.isprintable() or character == "\n" for character in capsys.readouterr().out)


def test_a_summary_of_a_small_capture_loads_nothing_heavy(file: Path) -> None:
    code = (
        "import sys\n"
        "from attribution.cli import run\n"
        f"assert run(['capture', 'summary', {str(file)!r}]) == 0\n"
        "sys.exit(', '.join(sorted({'numpy', 'pandas', 'numba', 'scapy', 'yaml'} & set(sys.modules))) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_a_reader_that_has_seen_enough_is_no_error(many_flows: Path) -> None:
    line = f"{sys.executable} -m attribution.cli capture summary {many_flows} --flows 0 | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", line], capture_output=True, text=True, check=False)

    assert done.stderr == ""
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("environment", "arguments", "coloured"),
    [
        ({}, [], False),
        ({"FORCE_COLOR": "1"}, [], True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, [], False),
        ({"FORCE_COLOR": "1"}, ["--no-color"], False),
    ],
)
def test_colour_follows_the_environment(
    environment: dict[str, str], arguments: list[str], coloured: bool, file: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert run(["capture", "summary", str(file), *arguments]) == 0
    assert ("\x1b[" in capsys.readouterr().out) == coloured


class Terminal(io.StringIO):
    """A terminal that keeps what was written to it."""

    def isatty(self) -> bool:
        return True


def progress_of(octets: list[int], size: int | None, stream: io.StringIO, quiet: bool = False) -> str:
    """What is written while so many octets are read, one second apart."""
    clock = iter(range(1000))
    with Progress(quiet, stream, lambda: float(next(clock))) as progress:
        progress.begin("big\x1b.pcap", size)
        for count in octets:
            progress.advance(count)
    return stream.getvalue()


def test_progress_is_one_line_that_is_gone_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    written = progress_of([25_000_000, 25_000_000], 100_000_000, Terminal())
    _, first, second, cleared = written.split("\r\x1b[K")

    assert first == "big\\x1b.pcap: 25.0 MB of 100 MB (25%), 25.0 MB/s, 3 s left"
    assert second == "big\\x1b.pcap: 50.0 MB of 100 MB (50%), 25.0 MB/s, 2 s left"
    assert cleared == ""
    assert "\n" not in written


def test_progress_of_a_stream_knows_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert "big\\x1b.pcap: 25.0 MB, 25.0 MB/s" in progress_of([25_000_000], None, Terminal())


def test_progress_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert progress_of([25_000_000], None, io.StringIO()) == ""
    assert progress_of([25_000_000], None, Terminal(), quiet=True) == ""
    monkeypatch.setenv("TERM", "dumb")
    assert progress_of([25_000_000], None, Terminal()) == ""


def test_an_announcement_gives_way_to_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with Progress(stream=stream) as progress:
        progress.announce("loading compiled code")

    assert stream.getvalue() == "\r\x1b[Kloading compiled code\r\x1b[K"
