"""Every sentence and label that a verdict's reports print, in one place: another language is another table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from attribution.model.verdict import CauseKind, Party, Provision

ENGLISH_PARTIES: Mapping[Party, str] = {
    Party.CUSTOMER: "the customer",
    Party.PROVIDER: "the provider",
    Party.SHARED: "both parties",
    Party.NEITHER: "neither party",
    Party.UNDETERMINED: "undetermined",
}

# What happened, for a component named {component}; used after "because" and in the causal chain.
ENGLISH_CAUSES: Mapping[CauseKind, str] = {
    CauseKind.DEVICE_FAILURE: "the device {component} failed",
    CauseKind.LINK_FAILURE: "the link {component} failed",
    CauseKind.LINK_DEGRADED: "the link {component} lost packets",
    CauseKind.DEVICE_DEGRADED: "the device {component} lost packets",
    CauseKind.OVERLOAD: "{component} was overloaded",
    CauseKind.ROUTING_FAILURE: "routing at {component} failed",
    CauseKind.MISCONFIGURATION: "{component} was misconfigured",
    CauseKind.UNAUTHORISED_OPERATION: "{component} was operated on without the other side's consent",
    CauseKind.CONSENTED_OPERATION: "{component} was operated on with the other side's consent",
    CauseKind.ENFORCEMENT_ACTION: "the provider restricted the service at {component}",
    CauseKind.ATTACK: "{component} was involved in an attack",
    CauseKind.HOST_FAILURE: "the host {component} failed",
    CauseKind.MAINTENANCE: "{component} was under maintenance",
}


@dataclass(frozen=True, slots=True)
class Wording:
    """The sentences of a summary and the labels of a table in one language.

    `names` are the parties as labels, with `nobody` for what lies on a demarcation that nobody owns; `parties` stand
    in sentences.
    """

    parties: Mapping[Party, str]
    causes: Mapping[CauseKind, str]
    headings: Mapping[Party, str]
    names: Mapping[str, str]
    language: str = "en"
    interrupted: str = "The service was interrupted or degraded for {seconds} from {start} because {cause}."
    answers: str = "By clause {clause} of the {document}, {party} answers for it (probability {probability})."
    answers_without_clause: str = "For it, {party} answers (probability {probability})."
    answers_shared: str = "By the {document}, each party answers for its own part (probability {probability})."
    address_taken: str = "another device used the address of {component}"
    agreed_maintenance: str = "{component} was under maintenance to which the other side had agreed"
    unexplained: str = "a cause that the evidence does not name"
    perhaps: str = "{cause}, which is only the most probable of several causes ({probability})"
    then: str = ", then "
    share: str = "{cause} ({party}, clause {clause}, {seconds})"
    no_interruption: str = (
        "The evidence shows no interruption of the service in the reported time, "
        "so neither party has one to answer for (probability {probability})."
    )
    nobodys: str = (
        "The service was interrupted or degraded for {seconds} from {start}, "
        "by nothing that either party answers for (probability {probability})."
    )
    undetermined: str = (
        "The evidence does not settle who is responsible: the most probable party is {party}, "
        "with a probability of only {probability}."
    )
    even: str = (
        "The evidence does not settle who is responsible: {parties} are about equally probable, "
        "with {probability} each."
    )
    and_: str = " and "
    unmeasured: str = (
        "What was handed in does not show whether the service was interrupted in the reported time, "
        "let alone who answers for it."
    )
    would_settle: str = "It would help most to have {what}."
    between_sentences: str = " "
    files_read: str = "{files} files; warnings on {places} places"
    headline: str = "{heading} · probability {probability}"
    headline_with_clause: str = "{heading}, clause {clause} · probability {probability}"
    of_incident: str = "{incident}: {text}"
    clause: str = "Clause"
    quoted: str = "{document}, {clause}: “{text}”"
    see_also: str = "see also {clauses}"
    interruption: str = "Interruption"
    spell: str = "{span}, {seconds}"
    none_found: str = "none found in the evidence"
    none_measured: str = "not known: nothing that was handed in shows whether there was one"
    seconds_by_party: str = "Seconds"
    shares: str = "Parties"
    lost_minutes: str = "Lost minutes"
    counted_minutes: str = "{minutes} (whole minutes of full loss, as the {document} counts)"
    undecided: str = "Undecided"
    candidates: str = "between {candidates}"
    candidate: str = "{party} ({probability})"
    or_candidate: str = " and "
    on_demarcation: str = "{cause}, where the two sides meet, and nobody has said whose it is"
    by_a_stranger: str = "{cause} by an account that may be another tenant's: nobody has said whose it is"
    on_unknown_ground: str = "{cause}, and the account's events do not settle whether it had a ground for that"
    nothing_tells: str = "no evidence decides between them"
    nothing_to_ask: str = "none of what is usually handed in, and is missing here, is expected to settle it"
    chain: str = "Causes"
    cause_line: str = "{what} ({facts}), {span}, {seconds}"
    until: str = "to"
    pro: str = "Evidence for"
    contra: str = "against"
    place: str = "[{place}]"
    place_from: str = "[{place}, from {party}]"
    ask_for: str = "Ask for"
    wish: str = "{what} — from {party}:"
    read: str = "Read"
    warnings: str = "Warnings"
    more_warnings: str = "… and {count} more, all of them in --format json"
    elsewhere: str = "{caveat}, and in {files} more files"
    more_alike: str = "{caveat}, and {count} more like it"
    caveat_at: str = "{place}: {reason}"
    places: str = "{caveat} ({count} places)"
    colon: str = ": "
    comma: str = ", "
    seconds: str = "{seconds:.1f} s"
    percent_sign: str = " %"

    def likelihood(self, probability: float) -> str:
        return percent(probability).replace(" %", self.percent_sign)

    def duration(self, seconds: float) -> str:
        return self.seconds.format(seconds=seconds)

    def document(self, provision: Provision) -> str:
        return provision.document_zh if self.language == "zh" and provision.document_zh else provision.document_en

    def text(self, provision: Provision) -> str:
        return provision.text_zh if self.language == "zh" and provision.text_zh else provision.text_en


@dataclass(frozen=True, slots=True)
class ExplanationWording:
    """The headings and sentences of an explanation in one language."""

    why: str = "Why"
    why_not: str = "Why not {party} ({probability})"
    it_would_take: str = "It would take"
    against_it: str = "Against it"
    for_it: str = "For it"
    nothing_against: str = "no evidence tells it from the explanation above"
    not_both: str = "no explanation with root causes on both sides is probable enough to be shown"
    interrupted: str = "the service's own traffic was lost for {seconds}, so there is something to answer for"
    no_interruption: str = "no interruption was found in what was measured, so there is nothing to answer for"
    unmeasured: str = "what was handed in does not show whether the service was interrupted"
    what_would_change_it: str = "What would change it"
    rests_on: str = "Rests on"
    without: str = "without {file}: {answer}"
    the_same: str = "the same, {probability}"
    settled: str = "nothing that could still be had is expected to change it"
    left_aside: str = "With and without {names}"
    with_all: str = "with everything"
    with_less: str = "without it"
    files_left_aside: str = "Left aside"
    whole_files: str = "{files} of {all} files: {names}"
    single_places: str = "what is cited at {places}"
    changed: str = "Changed"
    unchanged: str = "nothing but the probability"
    nothing: str = "nothing"
    answer: str = "{party}, {probability}"
    answer_by_clause: str = "{party} {clause}, {probability}"
    party: str = "party"
    clause: str = "clause"
    probability: str = "probability"
    interruption: str = "interruption"
    causes: str = "causes"
    change: str = "{what}: {before} → {after}"
    found: str = "found"
    not_found: str = "not found"


EXPLAINING = ExplanationWording()

ENGLISH = Wording(
    parties=ENGLISH_PARTIES,
    causes=ENGLISH_CAUSES,
    headings={
        Party.CUSTOMER: "The customer is responsible",
        Party.PROVIDER: "The provider is responsible",
        Party.SHARED: "Both parties are responsible",
        Party.NEITHER: "Neither party is responsible",
        Party.UNDETERMINED: "Undetermined",
    },
    names={**{party.value: party.value for party in Party}, "nobody": "nobody's"},
)

CHINESE = Wording(
    language="zh",
    parties={
        Party.CUSTOMER: "客户",
        Party.PROVIDER: "腾讯云",
        Party.SHARED: "双方",
        Party.NEITHER: "双方均无责任",
        Party.UNDETERMINED: "未定",
    },
    causes={
        CauseKind.DEVICE_FAILURE: "设备 {component} 故障",
        CauseKind.LINK_FAILURE: "链路 {component} 中断",
        CauseKind.LINK_DEGRADED: "链路 {component} 丢包",
        CauseKind.DEVICE_DEGRADED: "设备 {component} 丢包",
        CauseKind.OVERLOAD: "{component} 过载",
        CauseKind.ROUTING_FAILURE: "{component} 路由故障",
        CauseKind.MISCONFIGURATION: "{component} 配置错误",
        CauseKind.UNAUTHORISED_OPERATION: "未经对方同意对 {component} 进行操作",
        CauseKind.CONSENTED_OPERATION: "经对方同意对 {component} 进行操作",
        CauseKind.ENFORCEMENT_ACTION: "腾讯云在 {component} 处限制了服务",
        CauseKind.ATTACK: "{component} 涉及网络攻击",
        CauseKind.HOST_FAILURE: "主机 {component} 故障",
        CauseKind.MAINTENANCE: "{component} 处于维护中",
    },
    headings={
        Party.CUSTOMER: "责任方：客户",
        Party.PROVIDER: "责任方：腾讯云",
        Party.SHARED: "责任方：双方",
        Party.NEITHER: "双方均无责任",
        Party.UNDETERMINED: "责任未定",
    },
    names={
        "customer": "客户",
        "provider": "腾讯云",
        "shared": "双方",
        "neither": "双方均无",
        "undetermined": "未定",
        "nobody": "归属未定",
    },
    interrupted="业务自 {start} 起中断或劣化 {seconds}，原因是{cause}。",
    answers="根据《{document}》第 {clause} 条，由{party}承担责任（概率 {probability}）。",
    answers_without_clause="由{party}承担责任（概率 {probability}）。",
    answers_shared="根据《{document}》，双方各自承担相应部分的责任（概率 {probability}）。",
    address_taken="另一设备占用了 {component} 的地址",
    agreed_maintenance="{component} 处于经对方同意的维护中",
    unexplained="现有证据未能指明的原因",
    perhaps="{cause}（仅为多种可能原因中最可能的一种，{probability}）",
    then="，随后",
    share="{cause}（{party}，第 {clause} 条，{seconds}）",
    no_interruption="现有证据显示报障时段内业务没有中断，双方均无需承担责任（概率 {probability}）。",
    nobodys="业务自 {start} 起中断或劣化 {seconds}，原因不由任何一方承担责任（概率 {probability}）。",
    undetermined="现有证据不足以判定责任：可能性最大的责任方是{party}，但概率仅为 {probability}。",
    even="现有证据不足以定责：{parties}的可能性大致相当，各为 {probability}。",
    and_="与",
    unmeasured="所提供的材料不能表明报障时段内业务是否中断，更无从判定责任。",
    would_settle="最有助于定责的是 {what}。",
    between_sentences="",
    files_read="{files} 个文件，警告涉及 {places} 处",
    headline="{heading} · 概率 {probability}",
    headline_with_clause="{heading} · 条款 {clause} · 概率 {probability}",
    of_incident="{incident}：{text}",
    clause="条款",
    quoted="《{document}》第 {clause} 条：“{text}”",
    see_also="另见 {clauses}",
    interruption="中断时段",
    spell="{span}，{seconds}",
    none_found="现有证据中没有发现中断",
    none_measured="不详：所提供的材料不能表明是否发生过中断",
    seconds_by_party="中断秒数",
    shares="各方概率",
    lost_minutes="不可用分钟",
    counted_minutes="{minutes}（按《{document}》口径，整分钟完全不可用才计入）",
    undecided="未决之处",
    candidates="在{candidates}之间",
    candidate="{party}（{probability}）",
    or_candidate="与",
    on_demarcation="{cause}，位于双方分界处，归属未有约定",
    by_a_stranger="{cause}，操作账号可能属于其他租户：归属未有说明",
    on_unknown_ground="{cause}，而账户记录未能表明其是否有依据",
    nothing_tells="没有证据能在二者之间作出判定",
    nothing_to_ask="此处尚缺的常见证据预计均不能定责",
    chain="原因",
    cause_line="{what}（{facts}），{span}，{seconds}",
    until="至",
    pro="支持证据",
    contra="相反证据",
    place="[{place}]",
    place_from="[{place}，由{party}提供]",
    ask_for="需补充证据",
    wish="请{party}提供：{what}",
    read="已读取",
    warnings="警告",
    more_warnings="……另有 {count} 条，见 --format json",
    elsewhere="{caveat}，另有 {files} 个文件同此",
    more_alike="{caveat}，另有 {count} 条同类",
    caveat_at="{place}：{reason}",
    places="{caveat}（{count} 处）",
    colon="：",
    comma="，",
    seconds="{seconds:.1f} 秒",
    percent_sign="%",
)

CHINESE_EXPLAINING = ExplanationWording(
    why="判定依据",
    why_not="为何不是{party}（{probability}）",
    it_would_take="前提是",
    against_it="不支持的证据",
    for_it="支持的证据",
    nothing_against="没有证据能将其与上述解释区分开",
    not_both="没有一种双方都有根因的解释达到可展示的概率",
    interrupted="业务自身流量丢失 {seconds}，因此存在需要承担的责任",
    no_interruption="测量数据中没有发现中断，因此没有需要承担的责任",
    unmeasured="所提供的材料不能表明业务是否中断",
    what_would_change_it="哪些情况会改变结论",
    rests_on="结论依赖",
    without="若没有 {file}：{answer}",
    the_same="结论不变，{probability}",
    settled="预计没有可再取得的证据会改变结论",
    left_aside="有无 {names} 的对比",
    with_all="全部证据",
    with_less="去除之后",
    files_left_aside="未采用",
    whole_files="{all} 个文件中的 {files} 个：{names}",
    single_places="以下出处的证据：{places}",
    changed="变化",
    unchanged="仅概率变化",
    nothing="无",
    answer="{party}，{probability}",
    answer_by_clause="{party} {clause}，{probability}",
    party="责任方",
    clause="条款",
    probability="概率",
    interruption="中断",
    causes="原因",
    change="{what}：{before} → {after}",
    found="有",
    not_found="无",
)

LANGUAGES = {"en": (ENGLISH, EXPLAINING), "zh": (CHINESE, CHINESE_EXPLAINING)}


def percent(probability: float) -> str:
    """A probability for reading; near certainty never rounds up to certainty."""
    if 0.995 <= probability < 1.0:
        return "> 99 %"
    if 0.0 < probability <= 0.005:
        return "< 1 %"
    return f"{round(probability * 100)} %"
