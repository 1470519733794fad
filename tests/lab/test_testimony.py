"""What logs tell of a cause: the culprit's own word, and what its neighbours lost; nothing of what misleads."""

from __future__ import annotations

from tests.lab.happenings import BgpDown, BgpEnd, Command, Deed, Happening, HighLoad, LinkChange, What
from tests.lab.naming import draw_plan
from tests.lab.plan import Side
from tests.lab.shapes import SHAPES
from tests.lab.stage import Cause
from tests.lab.testimony import Told, tell

PLAN = draw_plan(SHAPES[0], 1, "generic")
EDGE = Cause(("ce1",), "device_failure", Side.CUSTOMER, 1000.0, 1012.0)


def _told(role: str, what: What, moment: float = 1000.5, cause: Cause = EDGE) -> tuple[Told, ...]:
    return tell(PLAN, (Happening(moment, role, what),), (cause,))


def _typed(deed: Deed, subject: str) -> Command:
    return Command(deed, "netadm", "10.200.9.14", subject)


def test_a_command_on_the_culprit_is_its_own_word() -> None:
    port = PLAN.port("ce1", "pe1").name
    assert _told("ce1", _typed(Deed.SHUT_PORT, port)) == (Told("ce1", "ce1"),)
    assert _told("ce1", _typed(Deed.SHUT_PORT, port))[0].own_word


def test_commands_elsewhere_or_without_consequence_tell_nothing() -> None:
    assert _told("pe1", _typed(Deed.SHUT_PORT, PLAN.port("pe1", "ce1").name)) == ()
    assert _told("ce1", _typed(Deed.DESCRIBE_PORT, PLAN.port("ce1", "pe1").name)) == ()
    assert _told("ce1", _typed(Deed.SHUT_PORT, PLAN.port("ce1", "pe1").name), moment=980.0) == ()
    spare = PLAN.port("pe1", "tenant-x").name
    at_edge = Cause(("pe1",), "device_degraded", Side.PROVIDER, 1000.0, 1012.0)
    assert _told("pe1", _typed(Deed.LIMIT_PORT, spare), cause=at_edge) == ()


def test_only_an_exhausted_processor_says_something() -> None:
    assert _told("ce1", HighLoad(84, over=True)) == ()
    assert _told("ce1", HighLoad(98, over=True)) == (Told("ce1", "ce1"),)
    assert _told("ce1", HighLoad(20, over=False)) == ()


def test_a_neighbour_tells_what_it_lost() -> None:
    assert _told("pe1", LinkChange(PLAN.port("pe1", "ce1").name, up=False)) == (Told("pe1", "ce1"),)
    assert _told("pe1", LinkChange(PLAN.port("pe1", "tenant-x").name, up=False)) == ()
    peer = str(PLAN.address_towards("pe1", "ce1"))
    assert Told("pe1", "ce1") in _told("pe1", BgpDown(peer, 65000, False, BgpEnd.HOLD_TIMER, (4, 0), ""))


def test_a_vendor_without_words_tells_nothing() -> None:
    host = Cause(("host-a",), "host_failure", Side.CUSTOMER, 1000.0, 1012.0)
    assert _told("host-a", LinkChange("eth0", up=False, admin=True), cause=host) == ()
