"""Each vendor's words for what happens on a device; a happening that a vendor has no words for leaves no line."""

from __future__ import annotations

from collections.abc import Callable

from tests.lab.happenings import What
from tests.lab.plan import Vendor
from tests.lab.voices import arista, cisco, h3c, huawei, juniper, linux
from tests.lab.voices.line import Line

_VOICES: dict[Vendor, Callable[[object], list[Line]]] = {
    Vendor.ARISTA: arista.speak,
    Vendor.CISCO: cisco.speak,
    Vendor.HUAWEI: huawei.speak,
    Vendor.H3C: h3c.speak,
    Vendor.JUNIPER: juniper.speak,
    Vendor.LINUX: linux.speak,
    Vendor.FRR: linux.speak,
}


def speak(vendor: Vendor, what: What) -> list[Line]:
    """The lines that a device of that vendor writes about what happened; none where it keeps silent."""
    return _VOICES[vendor](what)
