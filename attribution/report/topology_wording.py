"""What a drawing of a topology says beside its names, in each language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from attribution.model.topology import NodeKind, Side


@dataclass(frozen=True, slots=True)
class TopologyWording:
    """Labels and remarks of a drawing."""

    sides: Mapping[Side, str]
    kinds: Mapping[NodeKind, str]
    title: str = "{first} to {last}: {nodes} nodes, {links} links"
    unasked: str = "no service is stated; drawn between the hosts that lie farthest apart (--ends draws others)"
    apart: str = "nothing joins {first} and {last}"
    run_by: str = "run by {operator}"
    demarcation: str = "demarcation, nobody's"
    demarcation_of: str = "demarcation, the {side}'s"
    owned: str = "the {side}'s"
    ways: str = "{count} ways to {end}"
    more_ways: str = "the {count} shortest of more ways to {end}"
    direct: str = "direct"
    beside: str = "beside"
    further: str = "and {count} more"
    elsewhere: str = "elsewhere"
    capture: str = "capture"
    capture_at: str = "capture at {interface}"
    fault: str = "fault"
    capacity: str = "{rate}bit/s"
    between: str = ", "
    device: str = "device"
    kind: str = "kind"
    side: str = "side"
    link: str = "link"
    ports: str = "ports"
    nobody: str = "nobody's"


ENGLISH = TopologyWording(
    sides={Side.CUSTOMER: "customer", Side.PROVIDER: "provider"},
    kinds={kind: kind.value for kind in NodeKind},
)

CHINESE = TopologyWording(
    sides={Side.CUSTOMER: "客户", Side.PROVIDER: "腾讯云"},
    kinds={
        NodeKind.HOST: "主机",
        NodeKind.SWITCH: "交换机",
        NodeKind.ROUTER: "路由器",
        NodeKind.FIREWALL: "防火墙",
        NodeKind.GATEWAY: "网关",
        NodeKind.TRANSPORT: "传输",
        NodeKind.SERVICE: "服务",
    },
    title="{first} 到 {last}：共 {nodes} 个节点、{links} 条链路",
    unasked="未注明业务两端，按相距最远的主机绘制（可用 --ends 指定）",
    apart="{first} 与 {last} 之间没有连接",
    run_by="由 {operator} 运维",
    demarcation="责任分界，归属未定",
    demarcation_of="责任分界，归{side}",
    owned="归{side}",
    ways="到 {end} 共 {count} 条路径",
    more_ways="到 {end} 的路径较多，列出最短的 {count} 条",
    direct="直连",
    beside="旁挂",
    further="另有 {count} 个",
    elsewhere="其他设备",
    capture="抓包点",
    capture_at="在 {interface} 抓包",
    fault="故障",
    capacity="{rate}bit/s",
    between="，",
    device="设备",
    kind="类型",
    side="归属",
    link="链路",
    ports="接口",
    nobody="归属未定",
)

TOPOLOGY_WORDINGS: Mapping[str, TopologyWording] = {"en": ENGLISH, "zh": CHINESE}
