"""Every word that the page itself says, in English and in Chinese; what evidence and inference say comes as Phrases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from attribution.model.dossier import EntryKind
from attribution.model.topology import NodeKind, Side
from attribution.model.verdict import Cause, CauseKind, Party
from attribution.report.languages import say
from attribution.report.layout import width_of
from attribution.report.summary import describe_cause
from attribution.report.wording import LANGUAGES as WORDINGS
from attribution.report.wording import Wording

LANGUAGES = ("en", "zh")  # the columns of the tables below

HEADINGS: Mapping[Party, tuple[str, str]] = {
    Party.CUSTOMER: ("The customer is responsible", "由客户承担责任"),
    Party.PROVIDER: ("The provider is responsible", "由腾讯云承担责任"),
    Party.SHARED: ("Both parties are responsible", "双方各自承担责任"),
    Party.NEITHER: ("Neither party is responsible", "双方均无责任"),
    Party.UNDETERMINED: ("Undetermined", "责任未定"),
}

PARTIES: Mapping[Party, tuple[str, str]] = {
    Party.CUSTOMER: ("customer", "客户"),
    Party.PROVIDER: ("provider", "腾讯云"),
    Party.SHARED: ("both", "双方"),
    Party.NEITHER: ("neither", "均无责任"),
    Party.UNDETERMINED: ("undetermined", "未定"),
}

CAUSE_KINDS: Mapping[CauseKind, tuple[str, str]] = {
    CauseKind.DEVICE_FAILURE: ("device failed", "设备故障"),
    CauseKind.LINK_FAILURE: ("link failed", "链路中断"),
    CauseKind.LINK_DEGRADED: ("link lost packets", "链路丢包"),
    CauseKind.DEVICE_DEGRADED: ("device lost packets", "设备丢包"),
    CauseKind.OVERLOAD: ("overloaded", "过载"),
    CauseKind.ROUTING_FAILURE: ("routing failed", "路由故障"),
    CauseKind.MISCONFIGURATION: ("misconfigured", "配置错误"),
    CauseKind.UNAUTHORISED_OPERATION: ("operation without consent", "未经同意的操作"),
    CauseKind.CONSENTED_OPERATION: ("operation with consent", "经同意的操作"),
    CauseKind.ENFORCEMENT_ACTION: ("restricted by the provider", "腾讯云限制服务"),
    CauseKind.ATTACK: ("attack", "网络攻击"),
    CauseKind.HOST_FAILURE: ("host failed", "主机故障"),
    CauseKind.MAINTENANCE: ("maintenance", "维护"),
}

NODE_KINDS: Mapping[NodeKind, tuple[str, str]] = {
    NodeKind.HOST: ("host", "主机"),
    NodeKind.SWITCH: ("switch", "交换机"),
    NodeKind.ROUTER: ("router", "路由器"),
    NodeKind.FIREWALL: ("firewall", "防火墙"),
    NodeKind.GATEWAY: ("gateway", "网关"),
    NodeKind.TRANSPORT: ("transport", "传输设备"),
    NodeKind.SERVICE: ("service", "云服务"),
}

ENTRY_KINDS: Mapping[EntryKind, tuple[str, str]] = {
    EntryKind.LOSS: ("loss", "丢包"),
    EntryKind.ALARM: ("alarm", "告警"),
    EntryKind.LOG: ("log line", "日志"),
    EntryKind.ROUTE: ("route", "路由"),
    EntryKind.OPERATION: ("operation", "操作"),
    EntryKind.CHANGE: ("change record", "变更记录"),
    EntryKind.CLOUD_CALL: ("cloud API call", "云 API 调用"),
    EntryKind.ACCOUNT: ("account event", "账户事件"),
    EntryKind.CAPTURE: ("packets", "报文"),
}

METHODS: Mapping[str, tuple[str, str]] = {
    "probes": ("probes", "探测"),
    "flows": ("flow records", "流记录"),
    "trace": ("traceroute", "路由跟踪"),
    "two_points": ("two capture points compared", "两个抓包点对比"),
    "one_point": ("one capture point", "单个抓包点"),
    "counters": ("counters compared", "计数器对比"),
}

LABELS: Mapping[str, tuple[str, str]] = {
    "page.incident": ("Incident", "事件"),
    "page.report": ("Who is responsible", "责任认定报告"),
    "page.contents": ("Contents", "目录"),
    "page.skip": ("Skip to the verdict", "跳到结论"),
    "page.none": ("none", "无"),
    "page.table": ("As a table", "以表格显示"),
    "page.print_short": (
        "Print in short: no quoted lines, no tables behind drawings",
        "精简打印：不含原文摘录和图后表格",
    ),
    "page.separator": (", ", "，"),
    # 1. the verdict
    "verdict.title": ("Verdict", "结论"),
    "verdict.probability": ("Probability", "概率"),
    "verdict.clause": ("Clause", "条款"),
    "verdict.interruption": ("Interruption", "中断"),
    "verdict.root": ("Root cause", "根本原因"),
    "verdict.roots": ("Root causes", "根本原因"),
    "verdict.suspected": ("Most probable cause", "最可能的原因"),
    "verdict.no_interruption": ("none found in the evidence", "证据中未发现中断"),
    "verdict.unmeasured": (
        "not known: nothing that was handed in shows whether there was one",
        "不详：所提供的材料不能表明是否发生过中断",
    ),
    "verdict.from": ("from {start}", "自 {start} 起"),
    "verdict.parts": ("in {parts} parts, from {start}", "分 {parts} 段，自 {start} 起"),
    "verdict.best": ("for {party}, the most probable", "最可能为{party}"),
    "verdict.seconds": ("Seconds by party", "各方责任秒数"),
    "verdict.parties": ("Probability by party", "各方责任概率"),
    "verdict.clause_words": ("The clause", "条款原文"),
    "verdict.nobody": ("not settled", "未定"),
    "verdict.between": ("What stands between the candidates", "候选结论之间的差别"),
    "verdict.candidate": ("{party}, {probability}", "{party}，{probability}"),
    "verdict.candidate_cause": ("if {cause}", "若{cause}"),
    "verdict.candidate_none": (
        "no single cause for this is probable enough to be shown",
        "没有足够可能的单一原因可示",
    ),
    "verdict.telling": ("tells them apart", "区分二者的证据"),
    "verdict.nothing_tells": (
        "Nothing among the evidence tells it from the most probable cause.",
        "现有证据无法将其与最可能的原因区分开。",
    ),
    "verdict.ask": ("What would settle it", "何种证据可以定论"),
    "verdict.window": ("Reported", "申报时段"),
    # 2. the map
    "map.title": ("Map of the network", "网络示意图"),
    "map.description": (
        "{nodes} nodes along the way from {ends}; the table below the map says the same in words.",
        "{ends} 沿途 {nodes} 个节点；下方表格以文字列出相同内容。",
    ),
    "map.demarcation": ("demarcation", "责任分界"),
    "map.run_by": ("run by {operator}", "由 {operator} 运营"),
    "map.capture_at": ("packets were captured at {point}", "抓包点 {point}"),
    "map.capture_point": ("capture point", "抓包点"),
    "map.end": ("end of the service", "服务端点"),
    "map.way": ("way of the service", "服务路径"),
    "map.root": ("root cause", "根本原因"),
    "map.follows": ("consequence", "后果"),
    "map.suspected": ("suspected", "疑似"),
    "map.left_out": (
        "{count} more nodes, farther from the service's way, are not shown.",
        "另有 {count} 个离服务路径较远的节点未显示。",
    ),
    "map.node": ("Node", "节点"),
    "map.kind": ("Kind", "类型"),
    "map.side": ("Side", "归属"),
    "map.operator": ("Operator", "运营方"),
    "map.neighbours": ("Linked with", "相连节点"),
    "map.notes": ("Notes", "备注"),
    "map.region": ("Region", "地域"),
    "map.links": ("Links across the demarcation", "跨责任分界的链路"),
    "map.legend": ("Legend", "图例"),
    # 3. the timeline
    "lanes.title": ("Timeline", "时间线"),
    "lanes.description": (
        "{entries} entries of {lanes} sources; the table below says the same in words.",
        "{lanes} 个来源的 {entries} 条记录；下方表格以文字列出相同内容。",
    ),
    "lanes.window": ("reported window", "申报时段"),
    "lanes.interruption": ("interruption", "中断"),
    "lanes.corrected": ("clock {added}", "时钟 {added}"),
    "lanes.outside": (
        "Not drawn, but in the table: entries before the stretch shown: {before}, after it: {after}.",
        "未绘出但见表格的记录：所示时段之前 {before} 条，之后 {after} 条。",
    ),
    "lanes.left_out": ("{count} more sources are in the table only.", "另有 {count} 个来源仅见表格。"),
    "lanes.utc": ("All times are UTC, by the corrected clocks.", "所有时间均为 UTC，并已校正时钟。"),
    "lanes.cited": ("filled: the verdict cites it, and it leads to the evidence", "实心：结论所引用，可跳转至证据"),
    "lanes.entries": ("All {count} entries", "全部 {count} 条记录"),
    "lanes.cut": ("{count} entries far from the interruption are left out.", "略去离中断较远的 {count} 条记录。"),
    "lanes.none": ("The evidence holds no dated entry.", "证据中没有带时间的记录。"),
    "lanes.time": ("Time", "时间"),
    "lanes.source": ("Source", "来源"),
    "lanes.kind": ("Kind", "类型"),
    "lanes.what": ("What happened", "事件"),
    "lanes.where": ("Where it stands", "出处"),
    "lanes.stated": ("stated as {time}", "原载时间 {time}"),
    "clocks.title": ("Clocks that were set right", "已校正的时钟"),
    "clocks.source": ("Source", "来源"),
    "clocks.added": ("Added", "修正量"),
    "clocks.why": ("Why", "依据"),
    "clocks.none": ("No clock had to be set right.", "无需校正时钟。"),
    "clocks.by": ("Supplied by", "提供方"),
    # 4. loss and throughput
    "loss.title": ("Loss and throughput", "丢包与吞吐量"),
    "loss.chart": ("Loss over time: {name}", "丢包率随时间变化：{name}"),
    "loss.counted": ("{sent} sent, {lost} lost", "发送 {sent}，丢失 {lost}"),
    "loss.during": ("{sent} sent, {lost} lost during the interruption", "中断期间发送 {sent}，丢失 {lost}"),
    "loss.how": (
        "Loss in per cent of the packets sent, over time (UTC). A thin base marks what was measured; where there is "
        "none, nothing was measured. The interruption is shaded.",
        "丢包率（占发送报文的百分比）随时间（UTC）变化。细底线表示有测量；无底线处没有测量。阴影为中断时段。",
    ),
    "loss.axis": ("loss, %", "丢包率，%"),
    "loss.none": ("No stretch of path was measured over time.", "没有随时间测量的路径段。"),
    "loss.lossy": ("Stretches that lost packets during the interruption", "中断期间丢包的路径段"),
    "loss.clean": ("Stretches that lost none then", "中断期间未丢包的路径段"),
    "loss.measured": ("Stretches measured", "被测路径段"),
    "loss.more": ("{count} more stretches", "另外 {count} 个路径段"),
    "loss.all": ("All {count} stretches in figures", "全部 {count} 个路径段的数据"),
    "loss.stretch": ("Stretch", "路径段"),
    "loss.method": ("Measured by", "测量方式"),
    "loss.sent": ("Sent", "发送"),
    "loss.lost": ("Lost", "丢失"),
    "loss.share": ("Share", "比例"),
    "loss.sent_during": ("Sent during", "中断期间发送"),
    "loss.lost_during": ("Lost during", "中断期间丢失"),
    "loss.from": ("From", "起"),
    "loss.to": ("To", "止"),
    "loss.rows_left_out": ("{count} more rows are left out.", "另有 {count} 行略去。"),
    "loss.over": ("over {path}", "途经 {path}"),
    "rate.title": ("Throughput", "吞吐量"),
    "rate.chart": ("Throughput over time: {name}", "吞吐量随时间变化：{name}"),
    "rate.highest": ("at most {rate}", "最高 {rate}"),
    "rate.capacity": ("capacity {rate} (dashed where it fits)", "容量 {rate}（在图内时以虚线表示）"),
    "rate.out": ("outgoing", "出方向"),
    "rate.in": ("incoming", "入方向"),
    "rate.how": (
        "Bits per second through ports and past capture points, over time (UTC).",
        "经过端口与抓包点的每秒比特数随时间（UTC）变化。",
    ),
    "rate.bps": ("Rate", "速率"),
    # 5. causes
    "causes.title": ("Causes, and why not the others", "原因，以及为何不是其他"),
    "causes.none": ("No cause was found.", "未发现原因。"),
    "causes.chain": ("Causes in order", "原因链"),
    "causes.led_to": ("brought about by {component}", "由 {component} 引起"),
    "causes.answers": ("answers", "责任方"),
    "causes.nobody": ("nobody answers by this alone", "仅凭此无法归责"),
    "causes.lasted": ("lasted", "持续"),
    "causes.attributed": ("of the interruption", "计入中断"),
    "causes.probability": ("probability", "概率"),
    "causes.evidence": ("Evidence", "证据"),
    "causes.facts": ("Circumstances", "情形"),
    "rivals.title": ("Why not: {party} ({probability})", "为何不是：{party}（{probability}）"),
    "rivals.would_take": ("It would take: {causes}.", "前提是：{causes}。"),
    "rivals.against": ("Against it", "反对证据"),
    "rivals.for": ("For it", "支持证据"),
    "rivals.then": (", then ", "，随后"),
    "rivals.nothing": (
        "No evidence tells it from the explanation above.",
        "没有证据能将其与上述解释区分开。",
    ),
    "rivals.not_both": (
        "No explanation with root causes on both sides is probable enough to be shown.",
        "没有足够可能的、双方各有根本原因的解释。",
    ),
    "rivals.interrupted": (
        "The service's own traffic was lost for {seconds}, so there is something to answer for.",
        "服务自身的流量丢失了 {seconds}，因此确有应承担的责任。",
    ),
    "rivals.no_interruption": (
        "No interruption was found in what was measured, so there is nothing to answer for.",
        "测量数据中未发现中断，因此无责任可言。",
    ),
    "rivals.unmeasured": (
        "What was handed in does not show whether the service was interrupted.",
        "所提供的材料不能表明业务是否中断。",
    ),
    "rivals.none": ("No other answer has a probability worth a line.", "没有其他值得一提的结论。"),
    # 6. evidence
    "evidence.title": ("Evidence", "证据"),
    "evidence.none": ("The verdict cites no single piece of evidence.", "结论未引用单项证据。"),
    "evidence.how": (
        "Weight is the decimal logarithm of how much more probable the evidence is by this verdict than by its best "
        "rival: +1 is ten times. Open a row to see the very lines or packets.",
        "权重为证据在本结论下与在最佳对立解释下的概率之比的常用对数：+1 即十倍。展开一行可查看原始行或报文。",
    ),
    "evidence.weight": ("Weight", "权重"),
    "evidence.time": ("Time (UTC)", "时间（UTC）"),
    "evidence.statement": ("What it says", "内容"),
    "evidence.component": ("Component", "部件"),
    "evidence.supplier": ("Supplied by", "提供方"),
    "evidence.place": ("Where it stands", "出处"),
    "evidence.filters": ("Filter the evidence", "筛选证据"),
    "evidence.text": ("Text", "文字"),
    "evidence.file": ("File", "文件"),
    "evidence.speaks": ("Speaks", "倾向"),
    "evidence.for": ("for the verdict", "支持结论"),
    "evidence.against": ("against it", "反对结论"),
    "evidence.any": ("any", "全部"),
    "evidence.sort": ("Order", "排序"),
    "evidence.by_weight": ("by weight", "按权重"),
    "evidence.by_time": ("by time", "按时间"),
    "evidence.shown": ("{shown} of {all} shown", "显示 {shown} / {all} 条"),
    "evidence.open_all": ("Open all", "全部展开"),
    "evidence.close_all": ("Close all", "全部收起"),
    "evidence.reset": ("Show all", "显示全部"),
    "evidence.unknown": ("nobody named", "未注明"),
    "evidence.no_excerpt": ("The lines themselves are not quoted here.", "此处未引用原文。"),
    "evidence.omitted": ("{count} more cited rows are not shown.", "另有 {count} 行被引用但未显示。"),
    "evidence.number": ("No.", "序号"),
    "evidence.cited": ("cited", "引用"),
    "evidence.decoded": ("decoded", "解码"),
    "evidence.filter": ("Display filter", "显示过滤器"),
    "evidence.copy": ("Copy", "复制"),
    "evidence.copied": ("Copied", "已复制"),
    "evidence.excerpt": ("Excerpt of {file}", "{file} 摘录"),
    "column.line": ("Line", "行"),
    # 7. reliability
    "reliability.title": ("How reliable such a verdict is", "此类结论的可靠程度"),
    "reliability.sentence": (
        "Before calibration this verdict states {stated}. Of {incidents} incidents whose answer was known and for "
        "which about as much was stated, the party was right in {right}.",
        "本结论校准前的概率为 {stated}。在答案已知、给出相近概率的 {incidents} 起事件中，{right} 判断正确。",
    ),
    "reliability.fitted": ("Counted on {what}.", "统计依据：{what}。"),
    "reliability.uncounted": (
        "No such verdicts were counted on labelled incidents: the probability is the posterior's own word.",
        "没有对此类结论在已知答案的事件上的统计：该概率为后验概率本身。",
    ),
    "reliability.description": (
        "The stated probability against the share that was right; on the diagonal both agree.",
        "所述概率与正确比例的对照；在对角线上二者一致。",
    ),
    "reliability.stated": ("stated before calibration", "校准前所述概率"),
    "reliability.right": ("share that was right ↑", "正确比例 ↑"),
    "reliability.here": ("this verdict", "本结论"),
    # 8. what next, and what it was read from
    "next.title": ("What to ask for next", "下一步应索取的证据"),
    "next.none": (
        "Nothing that could still be had is expected to change the verdict.",
        "预计没有尚可获得的证据会改变结论。",
    ),
    "next.from": ("from the {party}", "向{party}索取"),
    "next.gain": ("expected to tell {bits} bit about who is responsible", "预计就责任归属提供 {bits} 比特信息"),
    "level.title": ("Service level", "服务等级"),
    "level.how": (
        "Whole minutes in which everything was lost, as the {document} counts them. They stand beside the verdict and "
        "are no part of it.",
        "按《{document}》统计的完全中断整分钟数。与结论并列，不属于结论。",
    ),
    "level.minutes": ("Minutes", "分钟"),
    "level.party": ("Party", "责任方"),
    "level.seconds": ("Seconds of the interruption", "中断秒数"),
    "clauses.title": ("Clauses cited", "所引条款"),
    "clauses.none": ("No clause is cited.", "未引用条款。"),
    "clauses.deciding": ("deciding", "决定性条款"),
    "clauses.burdens": ("burdens the {party}", "由{party}承担"),
    "clauses.translation": ("our translation", "本程序译文"),
    "clauses.note": ("Note", "说明"),
    "inputs.title": ("What it was read from", "输入文件"),
    "inputs.file": ("File", "文件"),
    "inputs.size": ("Octets", "字节数"),
    "inputs.sha": ("SHA-256", "SHA-256"),
    "inputs.by": ("Supplied by", "提供方"),
    "inputs.count": ("{files} files, {octets}", "{files} 个文件，{octets}"),
    "caveats.title": ("What was not understood, or is less sure than it looks", "未能理解或不够确定之处"),
    "caveats.none": ("Everything was understood.", "全部内容均已理解。"),
    "caveats.count": ("Places", "处数"),
    "caveats.reason": ("What", "内容"),
    "caveats.where": ("Where", "位置"),
    "caveats.total": ("{kinds} kinds, {places} places", "{kinds} 类，{places} 处"),
    "caveats.more": ("and {count} more files", "及另外 {count} 个文件"),
    "about.made": (
        "Made by attribution {version}; verdict by schema {schema}. The same files give the same page.",
        "由 attribution {version} 生成；结论格式 {schema}。相同的文件得到相同的页面。",
    ),
    "about.warning": (
        "The report repeats what the files say, and cannot tell whether they are genuine.",
        "本报告复述文件所载内容，无法判断文件是否真实。",
    ),
}


@dataclass(frozen=True, slots=True)
class Labels:
    """The words of one language: called with the name of a label and what belongs into it."""

    language: str

    @property
    def _column(self) -> int:
        return LANGUAGES.index(self.language)

    def __call__(self, name: str, /, **values: object) -> str:
        return LABELS[name][self._column].format(**values)

    @property
    def other(self) -> Labels:
        """The other language: the verdict is said in both."""
        return Labels(LANGUAGES[1 - self._column])

    def heading(self, party: Party) -> str:
        return HEADINGS[party][self._column]

    def party(self, party: str) -> str:
        return PARTIES[Party(party)][self._column]

    def side(self, side: Side) -> str:
        return self.party(side.value)

    def owner(self, side: Side | None) -> str:
        return self("verdict.nobody") if side is None else self.side(side)

    def cause_kind(self, kind: CauseKind) -> str:
        return CAUSE_KINDS[kind][self._column]

    def node_kind(self, kind: NodeKind) -> str:
        return NODE_KINDS[kind][self._column]

    def entry_kind(self, kind: EntryKind) -> str:
        return ENTRY_KINDS[kind][self._column]

    def method(self, method: str) -> str:
        return METHODS[method][self._column] if method in METHODS else method.replace("_", " ")

    def cause(self, cause: Cause) -> str:
        """What happened to which component, as a clause of a sentence."""
        return describe_cause(cause, self.wording)

    @property
    def wording(self) -> Wording:
        return WORDINGS[self.language][0]

    def say(self, phrase: str) -> str:
        """A sentence that evidence or inference put together, in this language."""
        return say(phrase, self.language)

    def width(self, words: str, size: float) -> float:
        """About how many pixels words take, whose Latin characters are `size` wide."""
        return width_of(words) * size
