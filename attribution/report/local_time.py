"""Times as people at the two ends read them from the wall, beside UTC."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

from attribution.errors import AttributionError
from attribution.model.dossier import Dossier
from attribution.report.moment import render_time

UTC = "UTC"
_FIRST_S, _LAST_S = -62_135_596_800 + 86_400, 253_402_300_799 - 86_400  # a day off the calendar's ends in any zone


@cache
def region_zones() -> Mapping[str, str]:
    """The time zone of each region of the cloud, by the region's name."""
    file = resources.files("attribution") / "rules" / "tencent_regions.toml"
    zones: dict[str, str] = tomllib.loads(file.read_text(encoding="utf-8"))["zones"]
    return zones


def local_zones(dossier: Dossier, timezone: str | None) -> tuple[ZoneInfo, ...]:
    """The zones to tell times in beside UTC: the one asked for, or those of the service's ends where they are known.

    Ends in two zones give two. Errors: AttributionError for a name that the time zone database does not hold.
    """
    if timezone is not None:
        return () if timezone.upper() == UTC else (_zone(timezone),)
    nodes = [dossier.topology.nodes.get(end) for end in dossier.incident.service.ends]
    regions = [node.region for node in nodes if node is not None and node.region is not None]
    if not regions:
        regions = sorted({node.region for node in dossier.topology.nodes.values() if node.region is not None})
    zones = dict.fromkeys(region_zones()[region] for region in regions if region in region_zones())
    return tuple(_zone(name) for name in zones)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        expected = "expected UTC or a name of the time zone database, such as Asia/Shanghai"
        raise AttributionError("time zone", f"found {name!r}", expected) from None


def utc_moment(time_ns: int) -> str:
    """`2026-11-23 10:00:31.250`"""
    return render_time(time_ns)[:-1].replace("T", " ")


def local_moment(time_ns: int, zone: ZoneInfo) -> str:
    """`2026-11-23 18:00:31.250`, as a clock in the zone showed it."""
    return utc_moment(time_ns + _offset(time_ns, zone) // timedelta(microseconds=1) * 1000)


def offset_name(time_ns: int, zone: ZoneInfo) -> str:
    """`UTC+08:00`"""
    minutes = _offset(time_ns, zone) // timedelta(minutes=1)
    return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _offset(time_ns: int, zone: ZoneInfo) -> timedelta:
    second = min(max(time_ns // 1_000_000_000, _FIRST_S), _LAST_S)
    return datetime.fromtimestamp(second, zone).utcoffset() or timedelta()
