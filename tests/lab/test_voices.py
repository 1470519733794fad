"""Voices: every vendor says in its own words what a device of its would say, and nothing of the laboratory."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.commands import typed
from tests.lab.frrlog import read_happenings
from tests.lab.happenings import (
    BgpDown,
    BgpEnd,
    BgpUp,
    Command,
    Deed,
    Happening,
    LinkChange,
    Login,
    OspfChange,
    Restart,
    Routine,
)
from tests.lab.naming import draw_plan
from tests.lab.plan import Vendor
from tests.lab.shapes import SHAPES
from tests.lab.voices import speak

ROUTER_VENDORS = (Vendor.CISCO, Vendor.HUAWEI, Vendor.H3C, Vendor.JUNIPER, Vendor.ARISTA)


@pytest.mark.parametrize("vendor", Vendor)
@pytest.mark.parametrize("deed", Deed)
def test_every_deed_can_be_typed_on_every_vendors_device(vendor: Vendor, deed: Deed) -> None:
    lines = typed(vendor, Command(deed, "netadm", "10.0.0.1", "subject", "detail"))
    assert lines
    assert not any("{" in line for line in lines)


@pytest.mark.parametrize("vendor", Vendor)
def test_every_vendor_logs_links_logins_restarts_and_routine(vendor: Vendor) -> None:
    for what in (LinkChange("p1", up=False), LinkChange("p1", up=True), Login("monitor", "10.0.0.2"), Restart(),
                 Routine(0), Routine(11)):
        assert speak(vendor, what)


@pytest.mark.parametrize("vendor", ROUTER_VENDORS)
@pytest.mark.parametrize("end", BgpEnd)
def test_every_router_vendor_logs_why_a_session_ended(vendor: Vendor, end: BgpEnd) -> None:
    down = BgpDown("192.0.2.1", 64512, False, end, (4, 0) if end is BgpEnd.HOLD_TIMER else None, "p1")
    assert any("192.0.2.1" in line.text for line in speak(vendor, down))
    assert speak(vendor, BgpUp("192.0.2.1", 64512, False))


@pytest.mark.parametrize("vendor", ROUTER_VENDORS)
def test_every_router_vendor_logs_adjacencies(vendor: Vendor) -> None:
    for event in ("InactivityTimer", "KillNbr"):
        assert speak(vendor, OspfChange("10.255.0.1", "10.1.0.1", "p1", False, event))
    assert speak(vendor, OspfChange("10.255.0.1", "10.1.0.1", "p1", True, "LoadingDone"))


def test_only_a_commanded_link_down_says_so() -> None:
    cut, shut = LinkChange("Gi0/1", up=False), LinkChange("Gi0/1", up=False, admin=True)
    assert "administratively" in speak(Vendor.CISCO, shut)[0].text
    assert "administratively" not in speak(Vendor.CISCO, cut)[0].text
    assert "ifAdminStatus down(2)" in speak(Vendor.JUNIPER, shut)[0].text
    assert "AdminStatus=UP" in speak(Vendor.HUAWEI, cut)[0].text


def test_frrs_own_log_is_read_back(tmp_path: Path) -> None:
    plan = draw_plan(SHAPES[0], 1, "generic")
    peer = plan.address_towards("pe1", "ce1")
    core = plan.address_towards("pe1", "p1")
    device = plan.port("pe1", "p1").device
    log = tmp_path / "frr.log"
    log.write_text(
        f"2026/11/23 01:08:15.352686 BGP: [HZN6M-XRM1G] %NOTIFICATION: sent to neighbor {peer} 4/0 "
        "(Hold Timer Expired) 0 bytes \n"
        f"2026/11/23 01:08:15.352712 BGP: [PXVXG-TFNNT] %ADJCHANGE: neighbor {peer}(ce1) in vrf default Down BGP "
        "Notification send\n"
        f"2026/11/23 01:08:29.304098 BGP: [N9HHH-F8H1M] %ADJCHANGE: neighbor {peer}(ce1) in vrf default Up\n"
        f"2026/11/23 01:08:30.000001 OSPF: [Y05P2-YJVXY] AdjChg: Nbr 10.255.0.8, NbrIP {core} (default) on "
        f"{device}:10.17.115.2: Full -> Deleted (InactivityTimer)\n"
        "2026/11/23 01:08:31.000001 ZEBRA: [V98V0-MTWPF] client 23 says hello\n",
        encoding="utf-8",
    )
    seen: list[Happening] = list(read_happenings(plan, "pe1", log))
    down = seen[0].what
    assert isinstance(down, BgpDown)
    assert (down.end, down.code, down.internal) == (BgpEnd.HOLD_TIMER, (4, 0), False)
    assert isinstance(seen[1].what, BgpUp)
    assert seen[2].what == OspfChange("10.255.0.8", str(core), plan.port("pe1", "p1").name, False, "InactivityTimer")
    assert len(seen) == 3
