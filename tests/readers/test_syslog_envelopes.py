"""Every form of line keeps its time to the digit, names its sender and leaves the message whole."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.model.incident import EvidenceType
from attribution.readers.log_envelopes import open_envelope
from attribution.readers.log_times import LogClock
from tests.readers.material import origin

MESSAGE = "%SYS-5-RESTART: System restarted --"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

FORMS: dict[str, tuple[str, int, str | None, str]] = {
    # name: (line with {fields}, decimals of the second that it keeps, host, message)
    "RFC 3164": ("<189>{Mon} {d:>2} {t} ce1 {message}", 0, "ce1", MESSAGE),
    "RFC 3164 without priority": ("{Mon} {d:>2} {t} ce1 {message}", 0, "ce1", MESSAGE),
    "RFC 3164 with a colon behind the host": ("<189>{Mon} {d:>2} {t} ce1: {message}", 0, "ce1", MESSAGE),
    "RFC 3164 with octet count": ("88 <189>{Mon} {d:>2} {t} ce1 {message}", 0, "ce1", MESSAGE),
    "RFC 3164 from an address": ("<189>{Mon} {d:>2} {t} 2001:db8::7 {message}", 0, "2001:db8::7", MESSAGE),
    "RFC 3164 without host": ("<30>{Mon} {d:>2} {t} bgpd[12]: hello", 0, None, "bgpd[12]: hello"),
    "RFC 5424": ("<189>1 {Y}-{m}-{d0}T{t}.{ms}Z ce1 - - - - {message}", 3, "ce1", MESSAGE),
    "RFC 5424 with structure": (
        '<189>1 {Y}-{m}-{d0}T{t}.{us}+00:00 ce1 mgd 3046 UI_COMMIT [junos@2636.1 user="a\\"]b"][x y="z"] \ufeffdone',
        6, "ce1", "mgd[3046]: UI_COMMIT: done",
    ),
    "RFC 5424 with structure alone": (
        '<189>1 {Y}-{m}-{d0}T{t}Z ce1 mgd - UI_COMMIT [junos@2636.1 user="a"]', 0, "ce1",
        'mgd: UI_COMMIT: [junos@2636.1 user="a"]',
    ),
    "RFC 5424 without host": ("<189>1 {Y}-{m}-{d0}T{t}Z - - - - - {message}", 0, None, MESSAGE),
    "FRR's own file": ("{Y}/{m}/{d0} {t}.{us} BGP: [HZN6M-XRM1G] hello", 6, None, "BGP: [HZN6M-XRM1G] hello"),
    "FRR's own file, whole seconds": ("{Y}/{m}/{d0} {t} ZEBRA: hello", 0, None, "ZEBRA: hello"),
    "FRR's own file, nanoseconds": ("{Y}/{m}/{d0} {t}.{ns} OSPF: hello", 9, None, "OSPF: hello"),
    "Cisco IOS": ("<189>521: ce1: {Mon} {d:>2} {t}.{ms}: {message}", 3, "ce1", MESSAGE),
    "Cisco IOS numbered twice": ("<189>22191: ce1: 022546: {Mon} {d:>2} {t}.{ms}: {message}", 3, "ce1", MESSAGE),
    "Cisco IOS with mark and zone": ("<189>521: ce1: *{Mon} {d:>2} {t}.{ms} UTC: {message}", 3, "ce1", MESSAGE),
    "Cisco IOS without origin": ("<189>000521: .{Mon} {d:>2} {t}.{ms}: {message}", 3, None, MESSAGE),
    "Cisco IOS with year": ("*{Mon} {d:>2} {Y} {t}.{ms} UTC: {message}", 3, None, MESSAGE),
    "Cisco IOS through a relay": (
        "{Mon} {d:>2} {t} 10.0.0.1 521: ce1: *Nov 14 08:30:56.699: {message}", 0, "ce1", MESSAGE,
    ),
    "Cisco NX-OS": ("<189>: {Y} {Mon} {d:>2} {t} UTC: {message}", 0, None, MESSAGE),
    "Cisco NX-OS with host": ("{Y} {Mon} {d:>2} {t} ce1 {message}", 0, "ce1", MESSAGE),
    "Cisco NX-OS with milliseconds": ("<189>ce1: {Y} {Mon} {d:>2} {t}.{ms} UTC: {message}", 3, "ce1", MESSAGE),
    "Cisco IOS XR": (
        "<189>521: ce1 RP/0/RSP0/CPU0:{Mon} {d:>2} {t}.{ms} : ifmgr[214]: hello", 3, "ce1", "ifmgr[214]: hello",
    ),
    "Cisco IOS XR with year and zone": (
        "RP/0/RP0/CPU0:{Y} {Mon} {d:>2} {t}.{ms} UTC: ifmgr[214]: hello", 3, None, "ifmgr[214]: hello",
    ),
    "Cisco ASA": ("<166>{Mon} {d0} {Y} {t} ce1 : %ASA-6-302013: hello", 0, "ce1", "%ASA-6-302013: hello"),
    "Junos": ("{Mon} {d:>2} {t}  ce1 mib2d[2424]: hello", 0, "ce1", "mib2d[2424]: hello"),
    "Junos with year and milliseconds": ("{Mon} {d:>2} {t}.{ms} {Y} ce1 rpd[24]: hello", 3, "ce1", "rpd[24]: hello"),
    "Huawei": ("<189>{Mon} {d:>2} {Y} {t} ce1 %%01A/4/B(l)[1]:hello", 0, "ce1", "%%01A/4/B(l)[1]:hello"),
    "Huawei with offset": ("<189>{Mon} {d:>2} {Y} {t}+00:00 ce1 %%01A/4/B(l):hello", 0, "ce1", "%%01A/4/B(l):hello"),
    "Huawei with zone": ("<189>{Mon} {d:>2} {Y} {t} UTC+00:00 ce1 %%01A/4/B(l):x", 0, "ce1", "%%01A/4/B(l):x"),
    "Huawei, ISO": ("<189>{Y}-{m}-{d0} {t} ce1 %%01A/4/B(l):hello", 0, "ce1", "%%01A/4/B(l):hello"),
    "Huawei, ISO without leading zeros": (
        "<29>{Y}-{mm}-{d} {t}.{ms}.1 ce1 %%01A/4/B(l):hello", 3, "ce1", "%%01A/4/B(l):hello",
    ),
    "H3C": ("<189>{Mon} {d:>2} {t} {Y} ce1 %%10A/4/B: hello", 0, "ce1", "%%10A/4/B: hello"),
    "H3C with milliseconds": ("<189>{Mon} {d:>2} {t}:{ms} {Y} ce1 %%10A/4/B: hello", 3, "ce1", "%%10A/4/B: hello"),
    "H3C on the device": ("%{Mon} {d:>2} {t}:{ms} {Y} ce1 A/4/B: hello", 3, "ce1", "A/4/B: hello"),
    "H3C on the device, numbered": ("%@14%{Mon} {d:>2} {t}:{ms} {Y} ce1 A/4/B: hello", 3, "ce1", "A/4/B: hello"),
    "Nokia SR OS": (
        "<188>{Mon} {d:>2} {t} ce1 TMNX: 169 Base SNMP-WARNING-linkDown-2004 [1/1/1]:  x", 0, "ce1",
        "TMNX: 169 Base SNMP-WARNING-linkDown-2004 [1/1/1]:  x",
    ),
    "Arista EOS": ("{Mon} {d:>2} {t} ce1 Ebra: {message}", 0, "ce1", f"Ebra: {MESSAGE}"),
    "FortiOS": (
        '<189>date={Y}-{m}-{d0} time={t} devname="ce1" tz="+0000" type="event"', 0, "ce1",
        'date={Y}-{m}-{d0} time={t} devname="ce1" tz="+0000" type="event"',
    ),
    "Linux journal, short-iso": ("{Y}-{m}-{d0}T{t}+0000 ce1 systemd[1]: hello", 0, "ce1", "systemd[1]: hello"),
    "Linux journal, short-full": ("Mon {Y}-{m}-{d0} {t} UTC ce1 systemd[1]: hello", 0, "ce1", "systemd[1]: hello"),
    "rsyslog": ("{Y}-{m}-{d0}T{t}.{us}+00:00 ce1 sshd[1]: hello", 6, "ce1", "sshd[1]: hello"),
    "Linux journal, short-unix": ("{unix}.{us} ce1 sshd[1]: hello", 6, "ce1", "sshd[1]: hello"),
    "Linux journal, JSON": (
        '{{"__REALTIME_TIMESTAMP":"{unix}{us}","_HOSTNAME":"ce1","SYSLOG_IDENTIFIER":"sshd","_PID":"1","MESSAGE":"hello"}}',
        6, "ce1", "sshd[1]: hello",
    ),
    "dmesg -T": ("[Mon {Mon} {d:>2} {t} {Y}] e1000e 0000:00:19.0 eth0: x", 0, None, "e1000e 0000:00:19.0 eth0: x"),
    "RouterOS": ("{mon}/{d0}/{Y} {t} interface,info ether1 link down", 0, None, "interface,info ether1 link down"),
    "RouterOS, ISO": ("{Y}-{m}-{d0} {t} interface,info ether1 link down", 0, None, "interface,info ether1 link down"),
}  # fmt: skip


def written(form: str, time_ns: int) -> str:
    """The line that a device would have written at that time, in UTC."""
    moment = datetime.fromtimestamp(time_ns // 10**9, UTC)
    nanoseconds = f"{time_ns % 10**9:09d}"
    month = MONTHS[moment.month - 1]
    return form.format(
        Y=f"{moment.year:04d}", m=f"{moment.month:02d}", mm=moment.month, d=moment.day,
        d0=f"{moment.day:02d}", Mon=month,
        mon=month.lower(), t=f"{moment:%H:%M:%S}", ms=nanoseconds[:3], us=nanoseconds[:6], ns=nanoseconds,
        unix=time_ns // 10**9, message=MESSAGE,
    )  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
@given(time_ns=st.integers(min_value=10**18, max_value=4 * 10**18))
def test_the_time_comes_back_as_it_was_written(name: str, time_ns: int) -> None:
    form, decimals, host, message = FORMS[name]
    line = written(form, time_ns)
    envelope = open_envelope(line)
    assert envelope is not None
    assert envelope.host == host
    assert envelope.message == written(message.replace("{", "{{").replace("}", "}}"), 0) or envelope.message in line
    year = datetime.fromtimestamp(time_ns // 10**9, UTC).year
    clock = LogClock(line.encode(), origin(EvidenceType.SYSLOG, timezone_name="UTC", window_year=year))
    read = clock.read(envelope, 1)
    assert read is not None
    precision = 10 ** (9 - decimals)
    assert read[0] == time_ns // precision * precision


@pytest.mark.parametrize("name", FORMS)
def test_the_message_is_whole(name: str) -> None:
    form, _, _, message = FORMS[name]
    time_ns = 1_795_435_200 * 10**9
    envelope = open_envelope(written(form, time_ns))
    assert envelope is not None
    assert envelope.message == (written(message, time_ns) if "{Y}" in message else message)


@pytest.mark.parametrize(
    "line", ["", "hello", "[ 1234.567890] eth0: link down", "12:00:00 x", "<189>1 - ce1 - - - - x", "{}", "{", "[1]"]
)
def test_a_line_without_a_date_has_no_envelope(line: str) -> None:
    assert open_envelope(line) is None


def test_an_upper_case_host_is_not_taken_for_a_zone() -> None:
    envelope = open_envelope("Nov 23 12:00:00 FGT sshd[1]: hello")
    assert envelope is not None
    assert (envelope.host, envelope.message) == ("FGT", "sshd[1]: hello")
