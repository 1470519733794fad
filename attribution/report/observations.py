"""What the files of an incident state, before anyone reasons about it: a line for each fact, for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from attribution.model.capture_tables import FlatTable, Value
from attribution.model.case_tables import OBSERVATION_NAMES
from attribution.report.languages import say, say_place
from attribution.report.layout import Page, Style, escape, width_of, wrap
from attribution.report.moment import render_time_exactly

_PLACE_FIRST = 18
_NARROW = 90


@dataclass(frozen=True, slots=True)
class ObservationWording:
    """What stands around the facts in one language; metrics, actions and kinds of log lines keep their own names."""

    kinds: Mapping[str, str]
    language: str = "en"
    lost: str = "{lost} of {sent} lost"
    lost_and: str = "{lost}: {text}"


OBSERVATION_WORDINGS: Mapping[str, ObservationWording] = {
    "en": ObservationWording(kinds={name: name for name in OBSERVATION_NAMES}),
    "zh": ObservationWording(
        kinds={
            "probe": "探测",
            "path": "路径",
            "flow": "流",
            "counter": "计数",
            "cloud_metric": "云监控指标",
            "log": "日志",
            "change": "变更",
            "account": "账户",
            "cloud_call": "云 API 调用",
            "capture_point": "抓包点",
            "capture_load": "抓包流量",
            "capture_pair": "抓包对比",
            "packets": "报文",
            "capture": "抓包",
            "caveat": "注意",
        },
        language="zh",
        lost="共 {sent} 个，丢失 {lost} 个",
        lost_and="{lost}：{text}",
    ),
}


def render_observations(
    tables: Iterable[FlatTable], width: int = 100, colour: bool = False, lang: str = "en"
) -> Iterator[str]:
    """The rows of the tables as text, piece by piece; a new file is named above its rows."""
    page, wording = Page(max(40, width), colour), OBSERVATION_WORDINGS[lang]
    file = None
    for table in tables:
        lines: list[str] = []
        names = [name for name, _ in table.columns]
        for row in table.rows:
            cells = dict(zip(names, row, strict=True))
            if cells["file"] != file:
                lines += [*([""] if file is not None else []), page.styled(escape(str(cells["file"])), Style.BOLD)]
                file = cells["file"]
            lines += _row(cells, page, wording)
        if lines:
            yield "\n".join(lines) + "\n"


def _row(cells: dict[str, Value], page: Page, wording: ObservationWording) -> list[str]:
    """The place, the time, and what is stated, in words."""
    time_ns = cells["time"]
    moment = render_time_exactly(time_ns)[:23].replace("T", " ") if isinstance(time_ns, int) else ""
    said = " ".join(escape(part) for part in _said(cells, wording))
    place = escape(say_place(str(cells["locator"] or ""), wording.language))
    place += " " * (_PLACE_FIRST - width_of(place))
    head = f"  {place} {moment}  " if moment else f"  {place} "
    styles = (Style.YELLOW,) if cells["observation"] == "caveat" else ()
    if page.width < _NARROW:
        return [head.rstrip(), *("    " + page.styled(line, *styles) for line in wrap(said, page.width - 4))]
    hang = width_of(head)
    first, *rest = wrap(said, max(20, page.width - hang))
    return [head + page.styled(first, *styles), *(" " * hang + page.styled(line, *styles) for line in rest)]


def _said(cells: dict[str, Value], wording: ObservationWording) -> Iterator[str]:
    yield wording.kinds[str(cells["observation"])]
    for name in ("what", "device", "interface", "protocol"):
        if cells[name] is not None:
            yield str(cells[name])
    if cells["source"] is not None or cells["destination"] is not None:
        yield f"{cells['source'] or ''} → {cells['destination'] or ''}".strip()
    if cells["value"] is not None:
        value = cells["value"]
        yield f"{value:g}" if isinstance(value, float) else str(value)
    if cells["unit"] is not None:
        yield str(cells["unit"])
    if cells["count"] not in (None, 1):
        yield f"×{cells['count']}"
    text = say(cells["text"], wording.language) if isinstance(cells["text"], str) else None
    if cells["sent"] is not None:
        lost = wording.lost.format(sent=cells["sent"], lost=cells["lost"])
        yield lost if text is None else wording.lost_and.format(lost=lost, text=text)
    elif text is not None:
        yield text
