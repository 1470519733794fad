"""Every sentence, heading and stub of a postmortem, in both languages. Names and times in braces arrive escaped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from attribution.model.topology import NodeKind, Side
from attribution.model.verdict import CauseKind


@dataclass(frozen=True, slots=True)
class PostmortemWording:
    """A postmortem in one language; `actions` and `operation_actions` are stubs by what went wrong."""

    title: str
    generated: str
    headings: Mapping[str, str]
    sides: Mapping[Side, str]
    nobodys: str
    node_kinds: Mapping[NodeKind, str]
    # Summary
    fields: Mapping[str, str]
    nothing_found: str
    unmeasured: str
    no_clause: str
    # Impact
    interval_columns: tuple[str, ...]
    seconds: str
    of_it_full: str
    lost_minutes: str
    lost_packets: str
    methods: Mapping[str, str]
    end: str
    bandwidth: str
    bandwidth_unknown: str
    only_this_service: str
    # Timeline
    timeline_zone_hint: str
    timeline_columns: tuple[str, ...]
    begins: str
    ends: str
    cause_begins: str
    cause_ends: str
    by_the_evidence: str
    repeated: str
    omitted: str
    # Causes
    root: str
    held: str
    held_and_service: str
    share: str
    resting_on: str
    trigger: str
    triggered_by: str
    acted: str
    no_trigger: str
    no_cause: str
    unnamed_cause: str
    followed: str
    before: str
    no_factors: str
    # Responsibility
    clause_columns: tuple[str, ...]
    translation: str
    text_en: str
    text_zh: str
    remark: str
    no_provision: str
    nobody_answers: str
    # Evidence
    evidence_columns: tuple[str, ...]
    weight_note: str
    nothing_against: str
    rival: str
    rival_without_case: str
    rival_columns: tuple[str, ...]
    # Requests and actions
    request_columns: tuple[str, ...]
    no_requests: str
    actions_note: str
    action_columns: tuple[str, ...]
    to_fill: str
    open_status: str
    actions: Mapping[CauseKind, str]
    free_address: str
    obtain: str
    decide_again: str
    set_clock: str
    inform: str
    # Inputs and method
    input_columns: tuple[str, ...]
    method: str
    reliability: str
    no_reliability: str
    warnings: str
    more_warnings: str
    clock_columns: tuple[str, ...]
    clocks: str
    no_clocks: str


ENGLISH = PostmortemWording(
    title="Postmortem {incident}: {title}",
    generated="Written by attribution {version} from the evidence listed below; the same evidence gives the same text. "
    "What a person has to add is marked *to fill in*.",
    headings={
        "summary": "Summary",
        "impact": "Impact",
        "timeline": "Timeline",
        "causes": "Root cause and trigger",
        "factors": "Contributing factors",
        "responsibility": "Responsibility",
        "evidence": "Evidence",
        "against": "What speaks against it",
        "requests": "Open requests",
        "actions": "Action items",
        "inputs": "Inputs",
        "method": "Method and reliability",
    },
    sides={Side.CUSTOMER: "customer", Side.PROVIDER: "provider"},
    nobodys="nobody's",
    node_kinds={kind: kind.value for kind in NodeKind},
    fields={
        "answer": "Responsible",
        "clause": "Clause",
        "probability": "Probability",
        "interruption": "Interruption",
        "cause": "Root cause",
        "reported": "Reported",
    },
    nothing_found="none found in the evidence",
    unmeasured="not known: nothing that was handed in shows whether there was one",
    no_clause="none",
    interval_columns=("From", "To", "Seconds", "Of it with full loss"),
    seconds="By who answers: {seconds}.",
    of_it_full="{seconds} s",
    lost_minutes="Whole minutes of full loss, as the {document} counts them: {minutes}.",
    lost_packets="From end to end, {lost} of {sent} {traffic} packets were lost in it ({method}).",
    methods={
        "probes": "probes",
        "flows": "flow records",
        "trace": "traceroutes",
        "two_points": "captures at two points",
        "one_point": "a capture at one point",
        "counters": "counters compared with each other",
    },
    end="The service runs between {ends}.",
    bandwidth="Bandwidth bought: {bandwidth}.",
    bandwidth_unknown="The bandwidth that was bought is not stated.",
    only_this_service="Only traffic between these two ends was examined; what else was hurt is not known from it.",
    timeline_zone_hint="Clocks are aligned; where a source's own clock read otherwise, the last section says by how "
    "much.",
    timeline_columns=("Where", "What", "Evidence", "Place"),
    begins="**The interruption begins**",
    ends="**The service is back**",
    cause_begins="{id} begins: {cause}",
    cause_ends="{id} ends",
    by_the_evidence="the finding",
    repeated="{text} ({count} times until {end} UTC)",
    omitted="{count} more entries are not shown here; the JSON has them all.",
    root="**{id}: {cause}** ({side}, clause {clause}, probability {probability}).",
    held="It lasted from {start} to {end} UTC.",
    held_and_service="It lasted from {start} to {end} UTC, and the service was back at {back} UTC.",
    share="{seconds} s of the interruption are rooted in it.",
    resting_on="It rests on {evidence}.",
    trigger="**Trigger.** {text}",
    triggered_by="{time} UTC: {text} ({evidence}).",
    acted="An act of the {side}; no record of a single command or ticket was found that set it off.",
    no_trigger="No act was found that set it off: as far as the evidence shows, it began by itself.",
    no_cause="No cause: nothing happened to the service that the evidence shows.",
    unnamed_cause="The evidence does not name what interrupted the service.",
    followed="{id} followed from {root}: {cause} ({start} to {end} UTC).",
    before="Already so before: since {time} UTC, {text} ({where}).",
    no_factors="None found in the evidence.",
    clause_columns=("Clause", "Answers", "Causes", "Seconds"),
    translation="our translation",
    text_en="English",
    text_zh="Chinese",
    remark="Remark",
    no_provision="No clause is named, because no party is.",
    nobody_answers="nobody by this clause alone",
    evidence_columns=("Id", "Time (UTC)", "Weight", "Statement", "Place", "Supplied by"),
    weight_note="The weight is the log10 likelihood ratio for the answer: +2 makes it a hundred times as probable as "
    "it "
    "was without.",
    nothing_against="No piece of evidence speaks against it.",
    rival="{party} ({probability}): it would take that {causes}.",
    rival_without_case="{party} ({probability}): no explanation of that kind was probable enough to be looked at.",
    rival_columns=("Against that", "Weight", "Statement", "Place"),
    request_columns=("Id", "Ask", "For", "Because", "Gain (bits)"),
    no_requests="None: nothing that could still be had is expected to change the answer.",
    actions_note="Stubs, derived from the causes and the open requests. Owner and date are *to fill in*; strike what "
    "does "
    "not apply.",
    action_columns=("Id", "Action", "Side", "From", "Owner", "Due", "Status"),
    to_fill="*to fill in*",
    open_status="open",
    actions={
        CauseKind.DEVICE_FAILURE: "Find out why {component} failed, and whether a second device should carry the "
        "service.",
        CauseKind.LINK_FAILURE: "Find out why {component} was cut, and whether a second way should carry the service.",
        CauseKind.LINK_DEGRADED: "Measure and mend {component} (cable, optics, duplex), and watch its error counters.",
        CauseKind.DEVICE_DEGRADED: "Find out why {component} dropped packets, and watch its counters, load and memory.",
        CauseKind.OVERLOAD: "Compare what was offered at {component} with what it can carry; shape traffic or raise "
        "it.",
        CauseKind.ROUTING_FAILURE: "Find out why routing at {component} failed, and watch its sessions and routes.",
        CauseKind.MISCONFIGURATION: "Review the configuration of {component}, and test such changes before they go in.",
        CauseKind.UNAUTHORISED_OPERATION: "Agree on operations at {component} with the other side before they are "
        "done.",
        CauseKind.CONSENTED_OPERATION: "Review the plan of the operation at {component}: announced effect against "
        "real one.",
        CauseKind.ENFORCEMENT_ACTION: "Check the ground and the notice of the restriction at {component}; lift it "
        "when due.",
        CauseKind.ATTACK: "Find what drew or made the attack at {component}, and protect or clean it.",
        CauseKind.HOST_FAILURE: "Find out why {component} failed, and what its users should have been shown.",
        CauseKind.MAINTENANCE: "Review the maintenance of {component}: notice, length, and what carried the service.",
    },
    free_address="Find the device that used the address of {component}, and see to it that no other can.",
    obtain="Obtain {what}.",
    decide_again="Decide again with what the requests brought.",
    set_clock="Set the clock of {source} right: it was {seconds} s off.",
    inform="Send the customer the letter on {incident}.",
    input_columns=("File", "SHA-256", "Bytes"),
    method="Decided by attribution {version} under the {agreement}. The interruption is taken from traffic between the "
    "two ends; candidate causes are weighed against all measurements, alarms and records at once, and the agreement "
    "says who answers for what is left.",
    reliability="By itself the model states {stated} for the party it finds most probable. Of {incidents} labelled "
    "incidents for which it stated about as much, that party was right in {right} ({fitted_on}).",
    no_reliability="How often such answers were right is not known to this program.",
    warnings="Warnings of the reading, {places} places in all:",
    more_warnings="… and {count} more, all of them in the JSON.",
    clock_columns=("Source", "Supplied by", "Added (s)", "Why"),
    clocks="Clocks that were mended:",
    no_clocks="No clock had to be mended.",
)

CHINESE = PostmortemWording(
    title="事后复盘 {incident}：{title}",
    generated="本文由 attribution {version} 根据下列证据生成；相同的证据得到相同的文本。"
    "需要人工补充的内容标为*待填写*。",
    headings={
        "summary": "摘要",
        "impact": "影响",
        "timeline": "时间线",
        "causes": "根本原因与触发因素",
        "factors": "促成因素",
        "responsibility": "责任归属",
        "evidence": "证据",
        "against": "相反的证据",
        "requests": "尚待取得的材料",
        "actions": "改进措施",
        "inputs": "输入文件",
        "method": "方法与可靠性",
    },
    sides={Side.CUSTOMER: "客户", Side.PROVIDER: "腾讯云"},
    nobodys="不属于任何一方",
    node_kinds={
        NodeKind.HOST: "主机",
        NodeKind.SWITCH: "交换机",
        NodeKind.ROUTER: "路由器",
        NodeKind.FIREWALL: "防火墙",
        NodeKind.GATEWAY: "网关",
        NodeKind.TRANSPORT: "传输设备",
        NodeKind.SERVICE: "服务",
    },
    fields={
        "answer": "责任方",
        "clause": "条款",
        "probability": "概率",
        "interruption": "中断",
        "cause": "根本原因",
        "reported": "报障时段",
    },
    nothing_found="证据中未发现中断",
    unmeasured="不详：所提供的材料不能表明是否发生过中断",
    no_clause="无",
    interval_columns=("开始", "结束", "秒数", "其中完全中断"),
    seconds="按责任方计：{seconds}。",
    of_it_full="{seconds} 秒",
    lost_minutes="完全中断的整分钟数（按《{document}》计）：{minutes}。",
    lost_packets="端到端 {traffic} 报文 {sent} 个中丢失 {lost} 个（{method}）。",
    methods={
        "probes": "探测",
        "flows": "流记录",
        "trace": "traceroute",
        "two_points": "两点抓包比对",
        "one_point": "单点抓包",
        "counters": "计数器互相比对",
    },
    end="服务两端为 {ends}。",
    bandwidth="购买的带宽：{bandwidth}。",
    bandwidth_unknown="未说明购买的带宽。",
    only_this_service="仅分析了这两端之间的流量；其他业务是否受影响无从得知。",
    timeline_zone_hint="各来源的时钟已对齐；来源自身时钟有偏差的，偏差值见最后一节。",
    timeline_columns=("位置", "事件", "证据", "出处"),
    begins="**中断开始**",
    ends="**服务恢复**",
    cause_begins="{id} 开始：{cause}",
    cause_ends="{id} 结束",
    by_the_evidence="分析结论",
    repeated="{text}（共 {count} 次，至 {end} UTC）",
    omitted="另有 {count} 条未在此列出，全部内容见 JSON。",
    root="**{id}：{cause}**（{side}，条款 {clause}，概率 {probability}）。",
    held="持续时间为 {start} 至 {end} UTC。",
    held_and_service="持续时间为 {start} 至 {end} UTC，服务于 {back} UTC 恢复。",
    share="中断中有 {seconds} 秒由其引起。",
    resting_on="依据：{evidence}。",
    trigger="**触发因素。** {text}",
    triggered_by="{time} UTC：{text}（{evidence}）。",
    acted="由{side}的操作引起；未找到触发它的具体命令或工单记录。",
    no_trigger="未找到触发它的操作：就证据所见，它是自行发生的。",
    no_cause="无：证据未显示服务受到影响。",
    unnamed_cause="证据未能指明是什么中断了服务。",
    followed="{id} 由 {root} 引起：{cause}（{start} 至 {end} UTC）。",
    before="此前已存在：自 {time} UTC 起，{text}（{where}）。",
    no_factors="证据中未发现。",
    clause_columns=("条款", "承担方", "原因", "秒数"),
    translation="本程序译文",
    text_en="英文",
    text_zh="中文",
    remark="说明",
    no_provision="未认定责任方，因此不引用条款。",
    nobody_answers="不单独据此条款承担",
    evidence_columns=("编号", "时间（UTC）", "权重", "陈述", "出处", "提供方"),
    weight_note="权重是对结论的 log10 似然比：+2 表示该证据使结论的可能性增至一百倍。",
    nothing_against="没有与结论相反的证据。",
    rival="{party}（{probability}）：这需要{causes}。",
    rival_without_case="{party}（{probability}）：没有值得考虑的此类解释。",
    rival_columns=("反对该解释的证据", "权重", "陈述", "出处"),
    request_columns=("编号", "向谁索取", "索取内容", "原因", "信息量（比特）"),
    no_requests="无：预计没有还能取得的材料会改变结论。",
    actions_note="以下为根据原因和尚待取得的材料生成的草稿。负责人和期限*待填写*，不适用的请划去。",
    action_columns=("编号", "措施", "责任侧", "来源", "负责人", "期限", "状态"),
    to_fill="*待填写*",
    open_status="未开始",
    actions={
        CauseKind.DEVICE_FAILURE: "查明 {component} 故障的原因，并确定是否应由第二台设备承载服务。",
        CauseKind.LINK_FAILURE: "查明 {component} 中断的原因，并确定是否应由第二条线路承载服务。",
        CauseKind.LINK_DEGRADED: "检测并修复 {component}（线缆、光模块、双工），并监控其错误计数。",
        CauseKind.DEVICE_DEGRADED: "查明 {component} 丢包的原因，并监控其计数、负载和内存。",
        CauseKind.OVERLOAD: "比较 {component} 的实际流量与其承载能力；进行流量整形或扩容。",
        CauseKind.ROUTING_FAILURE: "查明 {component} 路由故障的原因，并监控其会话和路由。",
        CauseKind.MISCONFIGURATION: "检查 {component} 的配置，并在此类变更生效前先行测试。",
        CauseKind.UNAUTHORISED_OPERATION: "对 {component} 的操作须事先征得另一方同意。",
        CauseKind.CONSENTED_OPERATION: "复核对 {component} 的操作计划：比较预告的影响与实际影响。",
        CauseKind.ENFORCEMENT_ACTION: "核对 {component} 处限制措施的依据与通知，并在应当时解除。",
        CauseKind.ATTACK: "查明 {component} 处的攻击因何而起，并加以防护或清理。",
        CauseKind.HOST_FAILURE: "查明 {component} 故障的原因，以及当时应向其用户显示什么。",
        CauseKind.MAINTENANCE: "复核 {component} 的维护：通知、时长以及期间由什么承载服务。",
    },
    free_address="找出占用 {component} 地址的设备，并防止再次发生。",
    obtain="取得：{what}。",
    decide_again="取得上述材料后重新判定。",
    set_clock="校准 {source} 的时钟：偏差 {seconds} 秒。",
    inform="就 {incident} 向客户发出函件。",
    input_columns=("文件", "SHA-256", "字节数"),
    method="由 attribution {version} 依据《{agreement}》判定。中断时段取自两端之间的流量；"
    "各候选原因同时对照全部测量、告警和记录加以权衡，"
    "再由协议确定责任归属。",
    reliability="模型自身对最可能的责任方给出的概率为 {stated}；在有标注的事件中，给出相近概率的有 {incidents} 个，"
    "其中 {right} 是正确的（{fitted_on}）。",
    no_reliability="本程序不掌握此类结论的历史正确率。",
    warnings="读取时的警告，共 {places} 处：",
    more_warnings="……另有 {count} 条，全部内容见 JSON。",
    clock_columns=("来源", "提供方", "修正（秒）", "依据"),
    clocks="已修正的时钟：",
    no_clocks="没有需要修正的时钟。",
)

POSTMORTEM_WORDINGS = {"en": ENGLISH, "zh": CHINESE}
