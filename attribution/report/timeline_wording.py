"""What a timeline in a terminal says around its entries, in each language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from attribution.model.dossier import EntryKind
from attribution.model.topology import Side

_ENGLISH_SIDES = {Side.CUSTOMER: "customer", Side.PROVIDER: "provider"}
_CHINESE_SIDES = {Side.CUSTOMER: "客户", Side.PROVIDER: "腾讯云"}


@dataclass(frozen=True, slots=True)
class TimelineWording:
    """Labels and sentences of a timeline."""

    sides: Mapping[Side, str]
    kinds: Mapping[EntryKind, str]
    begins: str = "the service is interrupted or degraded from here, for {seconds} s"
    ends: str = "the service is back"
    lasting: str = "{seconds} s"
    often: str = "×{count}"
    stated: str = "the file says {time}"
    nothing: str = "Nothing of what was asked for is on the timeline."
    others: str = "{count} more entries; --all shows them"


TIMELINE_WORDINGS: Mapping[str, TimelineWording] = {
    "en": TimelineWording(
        sides=_ENGLISH_SIDES,
        kinds={kind: kind.value.replace("_", " ") for kind in EntryKind},
    ),
    "zh": TimelineWording(
        sides=_CHINESE_SIDES,
        kinds={
            EntryKind.LOSS: "丢包",
            EntryKind.ALARM: "告警",
            EntryKind.LOG: "日志",
            EntryKind.ROUTE: "路由",
            EntryKind.OPERATION: "操作",
            EntryKind.CHANGE: "变更",
            EntryKind.CLOUD_CALL: "云 API 调用",
            EntryKind.ACCOUNT: "账户",
            EntryKind.CAPTURE: "抓包",
        },
        begins="服务自此中断或劣化，历时 {seconds} 秒",
        ends="服务恢复",
        lasting="{seconds} 秒",
        often="×{count}",
        stated="文件所记时间 {time}",
        nothing="时间线上没有符合条件的条目。",
        others="另有 {count} 条，用 --all 显示",
    ),
}
