"""The command line: data on standard output, messages on standard error, and the exit status that the help promises."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import pytest

from attribution.cli import run
from attribution.errors import BundleError
from attribution.model.verdict import Verdict
from tests.report.verdicts import EVERY_VERDICT, HEALTHY, HOSTILE, SETTLED, SHARED, UNDETERMINED

Deciding = Callable[[Verdict], None]


@pytest.fixture
def deciding(monkeypatch: pytest.MonkeyPatch) -> Deciding:
    """Let every incident be decided as the given verdict."""
    return lambda verdict: monkeypatch.setattr("attribution.pipeline.decide", lambda *_, **__: verdict)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Let deciding fail with the given error."""

    def fail_with(error: BaseException) -> None:
        def decide(*_: object, **__: object) -> NoReturn:
            raise error

        monkeypatch.setattr("attribution.pipeline.decide", decide)

    return fail_with


def test_decide_prints_a_table(deciding: Deciding, capsys: pytest.CaptureFixture[str]) -> None:
    deciding(SETTLED)

    assert run(["decide", "incident"]) == 0

    printed = capsys.readouterr()
    assert printed.out.startswith("The customer is responsible, clause 4.2(2)")
    assert printed.err == ""


def test_decide_prints_one_json_object(deciding: Deciding, capsys: pytest.CaptureFixture[str]) -> None:
    deciding(SETTLED)

    assert run(["decide", "incident", "--format", "json"]) == 0

    assert json.loads(capsys.readouterr().out)["verdict"]["party"] == "customer"


def test_output_goes_to_a_file(deciding: Deciding, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    deciding(SETTLED)

    assert run(["decide", "incident", "-f", "json", "-o", str(tmp_path / "verdict.json")]) == 0

    assert json.loads((tmp_path / "verdict.json").read_text(encoding="utf-8"))["incident"] == "INC-2026-0412"
    assert capsys.readouterr().out == ""


def test_an_output_that_cannot_be_written_is_said(
    deciding: Deciding, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    deciding(SETTLED)

    assert run(["decide", "incident", "-o", str(tmp_path)]) == 1
    assert "Is a directory" in capsys.readouterr().err


@pytest.mark.parametrize("verdict", EVERY_VERDICT, ids=lambda verdict: verdict.party.value)
def test_the_exit_status_is_0_whatever_the_verdict(deciding: Deciding, verdict: Verdict) -> None:
    deciding(verdict)

    assert run(["decide", "incident"]) == 0


@pytest.mark.parametrize(("verdict", "status"), [(SETTLED, 10), (SHARED, 12), (HEALTHY, 13), (UNDETERMINED, 14)])
def test_the_exit_status_tells_the_party_where_asked_to(deciding: Deciding, verdict: Verdict, status: int) -> None:
    deciding(verdict)

    assert run(["decide", "incident", "--exit-code"]) == status


def test_bad_input_is_one_line_that_a_terminal_cannot_obey(
    failing: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str]
) -> None:
    failing(BundleError(f"incident.yaml: {HOSTILE}", "is missing", "expected a file"))

    assert run(["decide", "incident"]) == 3

    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.fullmatch(r"attribution: incident\.yaml: [^\x00-\x1f\x7f-\x9f]*; expected a file\n", printed.err)


def test_a_path_that_is_not_there_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["decide", "no-such-incident"]) == 3
    assert capsys.readouterr().err.startswith("attribution: no-such-incident")


def test_an_interrupt_ends_with_130(failing: Callable[[BaseException], None]) -> None:
    failing(KeyboardInterrupt())
    assert run(["decide", "incident"]) == 130

    wrapped = RuntimeError("Error calling __set_name__")
    wrapped.__cause__ = KeyboardInterrupt()
    failing(wrapped)
    assert run(["decide", "incident"]) == 130


SWALLOWING = """
import time
from contextlib import suppress
import attribution.cli as cli

def decide(*_, **__):
    with suppress(KeyboardInterrupt):  # as a library may do in the middle of its import
        print("begun", flush=True)
        time.sleep(60)
    time.sleep(60)

cli.cli.main = decide
cli.main()
"""


def interrupt(*command: str | Path, when: Callable[[subprocess.Popen[bytes]], object]) -> tuple[int, bytes, bytes]:
    """Start a command, interrupt it once `when` returns, and tell its exit status and what it printed.

    Who is started in the background ignores interrupts, and so do the tests then: the command must not inherit that.
    """
    running = subprocess.Popen(
        [sys.executable, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    when(running)
    running.send_signal(signal.SIGINT)
    printed, complained = running.communicate(timeout=30)
    return running.returncode, printed, complained


def test_an_interrupt_while_it_waits_for_its_input_ends_with_130(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ExitStack() as opened:

        def begin_a_capture_that_never_comes(_: object) -> None:
            feeding = opened.enter_context(pipe.open("wb", buffering=0))  # opens once the command reads
            feeding.write(b"\xd4\xc3\xb2\xa1")
            time.sleep(0.2)

        summary = ("-m", "attribution.cli", "capture", "summary", pipe)
        status, printed, complained = interrupt(*summary, when=begin_a_capture_that_never_comes)

    assert status == 130
    assert b"Traceback" not in printed + complained


def test_an_interrupt_that_a_library_swallows_ends_the_command_all_the_same() -> None:
    def has_begun(running: subprocess.Popen[bytes]) -> None:
        assert running.stdout is not None
        assert running.stdout.readline() == b"begun\n"

    assert interrupt("-c", SWALLOWING, when=has_begun) == (130, b"", b"")


def test_an_unexpected_error_is_short_unless_debugged(
    failing: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str]
) -> None:
    failing(ZeroDivisionError("a defect"))

    assert run(["decide", "incident"]) == 1
    assert capsys.readouterr().err == (
        "attribution: unexpected ZeroDivisionError: a defect; attribution --debug … shows where\n"
    )
    with pytest.raises(ZeroDivisionError):
        run(["--debug", "decide", "incident"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["decide"],
        ["decide", "x", "--format", "xml"],
        ["judge"],
        ["schema", "nothing"],
        ["agreement", "show", "9.9"],
        [],
    ],
)
def test_wrong_usage_is_2_and_prints_no_data(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2

    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Usage: attribution" in printed.err


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
    deciding: Deciding,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environment: dict[str, str],
    arguments: list[str],
    coloured: bool,
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    deciding(SETTLED)

    assert run(["decide", "incident", *arguments]) == 0
    assert ("\x1b[" in capsys.readouterr().out) == coloured


@pytest.mark.parametrize(
    "name",
    ["verdict", "truth", "explanation", "capture-summary", "capture-comparison", "timeline", "observations"],
)
def test_schema_prints_json_schemas(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema", name]) == 0
    assert json.loads(capsys.readouterr().out)["$id"] == f"attribution/{name}/1"


def test_schema_alone_names_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema"]) == 0
    known = ["capture-comparison", "capture-summary", "case", "evaluation", "explanation", "observations"]
    known += ["postmortem", "timeline", "truth", "verdict", "verification"]
    assert capsys.readouterr().out.split() == known


def test_agreement_show_prints_both_languages(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["agreement", "show", "4.2(2)"]) == 0

    printed = capsys.readouterr().out
    assert "A failure of your self-owned device or a third-party device" in printed
    assert "自有设备或您使用的第三方设备出现故障" in printed


def test_agreement_show_prints_every_clause(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["agreement", "show"]) == 0
    assert len(re.findall(r"^\d\.\d\S*  burdens the (?:customer|provider)$", capsys.readouterr().out, re.M)) == 23


def test_agreement_check_counts_the_clauses(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["agreement", "check"]) == 0
    assert capsys.readouterr().out.startswith("tencent-cross-region-connection: 23 clauses")


def test_agreement_check_refuses_a_flawed_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("schema = 2\n", encoding="utf-8")

    assert run(["agreement", "check", str(file)]) == 3
    assert "mine.toml: schema: found 2; expected 1" in capsys.readouterr().err


NETWORK = """
nodes:
  - {id: ce1, side: customer, kind: router}
  - {id: pe1, side: provider, kind: router}
edges:
  - {source: ce1, target: pe1, interfaces: {ce1: eth0, pe1: ge0}}
"""


def test_topology_is_drawn_from_end_to_end(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "topology.yaml"
    file.write_text(NETWORK, encoding="utf-8")

    assert run(["topology", "show", str(file), "--ends", "ce1", "pe1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("  ")] == [
        "  ● ce1  router",
        "  ║   eth0 — ge0, demarcation, nobody's",
        "  ● pe1  router",
    ]


def test_topology_check_counts(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "topology.yaml"
    file.write_text(NETWORK, encoding="utf-8")

    assert run(["topology", "check", str(file)]) == 0
    assert capsys.readouterr().out == "2 nodes (1 customer's, 1 provider's), 1 links (1 of them demarcation)\n"


def test_topology_check_refuses_a_node_without_side(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "topology.yaml"
    file.write_text(NETWORK.replace("side: customer, ", ""), encoding="utf-8")

    assert run(["topology", "check", str(file)]) == 3
    assert "ce1" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_of_the_shell(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    assert "_ATTRIBUTION_COMPLETE" in capsys.readouterr().out


def test_help_loads_nothing_heavy() -> None:
    """`attribution --help` answers at once because pandas, scapy and their like load when they are used."""
    code = (
        "import sys, attribution.cli\n"
        "assert attribution.cli.run(['--help']) == 0\n"
        "assert attribution.cli.run(['capture', 'summary', '--help']) == 0\n"
        "heavy = {'numpy', 'pandas', 'scapy', 'networkx', 'rich', 'yaml', 'pyarrow', 'numba',"
        "'zstandard', 'attribution.pipeline', 'attribution.packets.summary', 'attribution.report'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "Exit status: 0 done, whatever the verdict" in done.stdout


def test_a_table_is_printed_in_the_language_asked_for(deciding: Deciding, capsys: pytest.CaptureFixture[str]) -> None:
    deciding(SETTLED)

    assert run(["decide", "incident", "--lang", "zh"]) == 0
    assert capsys.readouterr().out.startswith("责任方：客户 · 条款 4.2(2) · 概率 97%")


def test_the_environment_may_name_the_language(
    deciding: Deciding, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    deciding(SETTLED)
    monkeypatch.setenv("ATTRIBUTION_LANG", "zh")

    assert run(["decide", "incident"]) == 0
    assert capsys.readouterr().out.startswith("责任方：客户")
    assert run(["decide", "incident", "--lang", "en"]) == 0
    assert capsys.readouterr().out.startswith("The customer")


def test_json_is_the_same_in_every_language(deciding: Deciding, capsys: pytest.CaptureFixture[str]) -> None:
    deciding(SETTLED)
    printed = []
    for language in ("en", "zh"):
        assert run(["decide", "incident", "-f", "json", "--lang", language]) == 0
        printed.append(capsys.readouterr().out)

    assert printed[0] == printed[1]


@pytest.mark.parametrize("form", ["json", "mermaid", "dot"])
def test_a_topology_is_given_to_other_programs(form: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "topology.yaml"
    file.write_text(NETWORK, encoding="utf-8")

    assert run(["topology", "show", str(file), "--format", form]) == 0
    assert "ce1" in capsys.readouterr().out


def test_a_node_that_is_none_is_told_with_the_nearest(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "topology.yaml"
    file.write_text(NETWORK, encoding="utf-8")

    assert run(["topology", "show", str(file), "--ends", "ce2", "pe1"]) == 2
    assert "is ce1 meant?" in capsys.readouterr().err


def test_a_topology_alone_has_no_fault(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "topology.yaml"
    file.write_text(NETWORK, encoding="utf-8")

    assert run(["topology", "show", str(file), "--verdict"]) == 2
    assert "expected an incident" in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "gb18030", "cp437"])
def test_an_old_terminal_gets_what_it_can_print(encoding: str) -> None:
    code = (
        "import sys\nfrom attribution.cli.terminal import write\n"
        "write(['a — “b” → 中 · c\\n'], None)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env={"PYTHONIOENCODING": encoding}, check=False
    )

    assert done.returncode == 0, done.stderr
    printed = done.stdout.decode(encoding)
    assert printed.startswith("a ") and "c" in printed
    assert ("中" in printed) or "\\u4e2d" in printed
