"""Every sentence of the letter to the customer, in both languages. Names and times in braces arrive escaped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from attribution.model.topology import Side
from attribution.model.verdict import CauseKind, Fact, Party


@dataclass(frozen=True, slots=True)
class LetterWording:
    """A letter from the provider in one language: it says `you` to the customer and `we` of the provider."""

    subject: str
    greeting: str
    reported: str
    examined: str
    files: tuple[str, str]
    interval: str
    local: str
    and_: str
    interrupted: str
    causes: Mapping[Party, str]
    own_causes: Mapping[tuple[CauseKind, Side | None], str]
    grounds_of_enforcement: Mapping[Fact, str]
    unnamed: str
    ownerless: str
    part: str
    sides: Mapping[Side | None, str]
    apology: str
    no_interruption: str
    may_have_seen: str
    nobodys: str
    undetermined: str
    unmeasured: str
    even: str
    leaning: Mapping[Party, str]
    grounds: str
    yours: str
    ours: str
    our_log: str
    our_operation: str
    clauses: Mapping[Side, str]
    clauses_again: Mapping[Side, str]
    parts: str
    sure: str
    proven: str
    dispute: str
    helpful: str
    please_send: str
    we_obtain: str
    because: str
    until_then: str
    stays_open: str
    counts: str
    closings: Mapping[Party, str]
    farewell: str
    provider: str
    quotes: tuple[str, str]


ENGLISH = LetterWording(
    subject="Your report {incident}: {title}",
    greeting="Dear customer,",
    reported="You reported trouble with the connection between {first} and {second}, {window}.",
    examined="We have examined the records of that time ({files}, {yours} of them from you), and found the following.",
    files=("{count} file", "{count} files"),
    interval="{date}, {start} to {end} UTC",
    local="{start} to {end} {zone}",
    and_=" and ",
    interrupted="The service was interrupted or degraded for {seconds} seconds: {intervals}.",
    causes={
        Party.CUSTOMER: "The cause was on your side: {causes}.",
        Party.PROVIDER: "The cause was on our side: {causes}.",
        Party.SHARED: "Causes on both sides had a part in it: {causes}.",
    },
    own_causes={
        (CauseKind.UNAUTHORISED_OPERATION, Side.CUSTOMER): "{component} was operated on without our consent",
        (CauseKind.UNAUTHORISED_OPERATION, Side.PROVIDER): "{component} was operated on without your consent",
        (CauseKind.CONSENTED_OPERATION, Side.CUSTOMER): "{component} was operated on, with our consent",
        (CauseKind.CONSENTED_OPERATION, Side.PROVIDER): "{component} was operated on, with your consent",
        (CauseKind.ENFORCEMENT_ACTION, Side.CUSTOMER): "we restricted the service at {component}{ground}",
        (CauseKind.ENFORCEMENT_ACTION, Side.PROVIDER): "we restricted the service at {component} without a ground",
        (CauseKind.ENFORCEMENT_ACTION, None): "we restricted the service at {component}",
    },
    grounds_of_enforcement={
        Fact.OVERDUE_15_DAYS: " after a payment had been overdue for more than fifteen days",
        Fact.VIOLATION: " after we had notified you of a violation of the agreement",
        Fact.ATTACK_BY_CUSTOMER: " because of attacks that came from it",
        Fact.ATTACK_ON_CUSTOMER: " because of an attack on it",
    },
    ownerless="The likeliest explanation is that {causes}, at a point that the drawing of the network gives to neither "
    "side; a record of who owns or runs it would help to settle the matter.",
    unnamed="what exactly failed is not shown by the records",
    part="{side}, {cause} ({seconds} seconds)",
    sides={Side.CUSTOMER: "on your side", Side.PROVIDER: "on our side", None: "at the point where both sides meet"},
    apology="We apologise for this interruption.",
    no_interruption="In what was measured between these two ends over that time, we found no interruption of the "
    "service (probability {probability}).",
    may_have_seen="You may well have seen something that these measurements do not cover.",
    nobodys="The service was interrupted or degraded for {seconds} seconds: {intervals}. The records show nothing "
    "there "
    "that you or we answer for (probability {probability}).",
    undetermined="On whose side the cause lay, the records do not settle.",
    unmeasured="The records that we have do not show whether the service was interrupted in that time.",
    even="It may as well have been ours as yours.",
    leaning={
        Party.CUSTOMER: "It is more likely to have been yours than ours ({probability}), but that is not enough for "
        "us to "
        "say so.",
        Party.PROVIDER: "It is more likely to have been ours than yours ({probability}), but that is not enough for "
        "us to "
        "say so.",
        Party.SHARED: "That both sides had a part in it is likeliest ({probability}), but not likely enough to say so.",
        Party.NEITHER: "That neither side had a part in it is likeliest ({probability}), but not likely enough to "
        "say so.",
    },
    grounds="This rests above all on:",
    yours="from your {file}, {locator}: {statement}",
    ours="from our records, {time} UTC: {statement}",
    our_log="the log of our {device} reports it",
    our_operation="a command was entered on our {device}",
    clauses={
        Side.CUSTOMER: "Clause {clause} of the {document} places this with you: {text}.",
        Side.PROVIDER: "Clause {clause} of the {document} places this with us: {text}.",
    },
    clauses_again={
        Side.CUSTOMER: "Your part falls under its clause {clause}: {text}.",
        Side.PROVIDER: "Our part falls under its clause {clause}: {text}.",
    },
    parts="The {document} places its own part with each side.",
    sure="We hold this finding with a probability of {probability}.",
    proven="The method was tried on incidents whose answer was known: of {incidents} of which it was about as sure, it "
    "found the right one in {right} of cases.",
    dispute="It is a finding from evidence and open to correction. If you see it differently, please tell us why, "
    "and we "
    "will examine the case again{helpful}. On request we send you the full report, in which every statement can be "
    "looked up.",
    helpful="; what would help most is {what}",
    please_send="To settle it, we ask you for:",
    we_obtain="On our side, we are obtaining:",
    because="{what} ({why})",
    until_then="Until then we treat the question as open.",
    stays_open="We know of no further record that would settle it. If you do, please tell us; until then it stays "
    "open.",
    counts="By the count of the {document}, {minutes} whole minutes of full loss are ours.",
    closings={
        Party.CUSTOMER: "If it helps to go through the records together, our engineers will gladly do so with yours.",
        Party.PROVIDER: "Our engineers will gladly go through the records with you, if you wish.",
        Party.SHARED: "We suggest that our engineers go through the records together.",
        Party.NEITHER: "Please write to us if it happens again; the exact time helps most.",
        Party.UNDETERMINED: "Thank you for your patience; we will write again when we have looked at what is still "
        "missing.",
    },
    farewell="Yours sincerely,",
    provider="The provider",
    quotes=("“", "”"),
)

CHINESE = LetterWording(
    subject="关于您反映的 {incident}：{title}",
    greeting="尊敬的客户：",
    reported="您好！您反映 {first} 与 {second} 之间的连接出现异常，时间为{window}。",
    examined="我们核查了该时段的记录（共 {files}，其中 {yours} 份由您提供），现将结果说明如下。",
    files=("{count} 份", "{count} 份"),
    interval=" {date} {start} 至 {end}（UTC）",
    local="{zone} 时间 {start} 至 {end}",
    and_="及",
    interrupted="服务共中断或劣化 {seconds} 秒，时间为{intervals}。",
    causes={
        Party.CUSTOMER: "原因在贵方一侧：{causes}。",
        Party.PROVIDER: "原因在我方一侧：{causes}。",
        Party.SHARED: "双方均有部分原因：{causes}。",
    },
    own_causes={
        (CauseKind.UNAUTHORISED_OPERATION, Side.CUSTOMER): "未经我方同意对 {component} 进行了操作",
        (CauseKind.UNAUTHORISED_OPERATION, Side.PROVIDER): "未经贵方同意对 {component} 进行了操作",
        (CauseKind.CONSENTED_OPERATION, Side.CUSTOMER): "经我方同意对 {component} 进行了操作",
        (CauseKind.CONSENTED_OPERATION, Side.PROVIDER): "经贵方同意对 {component} 进行了操作",
        (CauseKind.ENFORCEMENT_ACTION, Side.CUSTOMER): "{ground}我方在 {component} 处限制了服务",
        (CauseKind.ENFORCEMENT_ACTION, Side.PROVIDER): "我方在无依据的情况下在 {component} 处限制了服务",
        (CauseKind.ENFORCEMENT_ACTION, None): "我方在 {component} 处限制了服务",
    },
    grounds_of_enforcement={
        Fact.OVERDUE_15_DAYS: "因款项逾期超过 15 天，",
        Fact.VIOLATION: "在向贵方发出违约通知之后，",
        Fact.ATTACK_BY_CUSTOMER: "因有攻击由此发出，",
        Fact.ATTACK_ON_CUSTOMER: "因其遭受攻击，",
    },
    ownerless="最可能的原因是{causes}，但网络拓扑未将该处划归任何一方；证明其归属或运维方的材料将有助于判定。",
    unnamed="现有记录未能显示具体的故障点",
    part="{side}{cause}（{seconds} 秒）",
    sides={Side.CUSTOMER: "贵方一侧，", Side.PROVIDER: "我方一侧，", None: "双方分界处，"},
    apology="对此次中断给您带来的不便，我们深表歉意。",
    no_interruption="在该时段两端之间的测量数据中，我们未发现服务中断（概率 {probability}）。",
    may_have_seen="您所遇到的情况可能未被这些测量覆盖。",
    nobodys="服务共中断或劣化 {seconds} 秒，时间为{intervals}。现有记录未显示其中有应由贵方或我方承担的原因（概率 "
    "{probability}）。",
    undetermined="现有记录尚不足以判定原因在哪一方。",
    unmeasured="现有记录不能表明该时段内服务是否中断。",
    even="双方的可能性相当。",
    leaning={
        Party.CUSTOMER: "原因在贵方一侧的可能性较大（{probability}），但尚不足以据此认定。",
        Party.PROVIDER: "原因在我方一侧的可能性较大（{probability}），但尚不足以据此认定。",
        Party.SHARED: "双方均有原因的可能性最大（{probability}），但尚不足以据此认定。",
        Party.NEITHER: "与双方均无关的可能性最大（{probability}），但尚不足以据此认定。",
    },
    grounds="主要依据如下：",
    yours="您提供的 {file}（{locator}）：{statement}",
    ours="我方记录，{time}（UTC）：{statement}",
    our_log="我方 {device} 的日志有相应记录",
    our_operation="我方 {device} 上执行了一条命令",
    clauses={
        Side.CUSTOMER: "依据《{document}》第 {clause} 条：{text}，此次问题由贵方负责。",
        Side.PROVIDER: "依据《{document}》第 {clause} 条：{text}，此次问题由我方负责。",
    },
    clauses_again={
        Side.CUSTOMER: "贵方的部分适用该协议第 {clause} 条：{text}。",
        Side.PROVIDER: "我方的部分适用该协议第 {clause} 条：{text}。",
    },
    parts="依据《{document}》，双方各自承担本方的部分。",
    sure="我们对上述结论的把握为 {probability}。",
    proven="该方法在答案已知的事件上检验过：在把握与此相当的 {incidents} 个事件中，结论有 {right} 是正确的。",
    dispute="该结论由证据推断得出，可以更正。如您有不同意见，请告知理由{helpful}，我们将重新核查。如有需要，"
    "我们可提供完整报告，其中每项陈述均可查证。",
    helpful="（最有帮助的材料是：{what}）",
    please_send="为查明原因，请您协助提供：",
    we_obtain="我方正在取得：",
    because="{what}（{why}）",
    until_then="在此之前，我们不对责任归属作出结论。",
    stays_open="目前我们不知道还有什么记录可以判定；如您掌握此类材料，请告知我们。在此之前，我们不对责任归属作出结论。",
    counts="按《{document}》的计算方法，由我方承担的完全中断为 {minutes} 个整分钟。",
    closings={
        Party.CUSTOMER: "如需共同查看这些记录，我们的工程师乐意配合。",
        Party.PROVIDER: "如您需要，我们的工程师可与您一同查看这些记录。",
        Party.SHARED: "建议双方工程师共同查看这些记录。",
        Party.NEITHER: "如再次出现类似情况，请告知我们，准确的时间最有帮助。",
        Party.UNDETERMINED: "感谢您的耐心等待；取得所缺材料后，我们将再次函告。",
    },
    farewell="此致\n\n敬礼",
    provider="服务商",
    quotes=("“", "”"),
)

LETTER_WORDINGS = {"en": ENGLISH, "zh": CHINESE}
