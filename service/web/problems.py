"""What a person reads when something did not work: what happened, and what to do next, in their language."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import g
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from service.rulebook import Rulebook
from service.web.languages import language


@dataclass(frozen=True, slots=True)
class Words:
    what: LazyString
    next: LazyString


PROBLEMS: Mapping[str, Words] = {  # by the code of the error
    "not_found": Words(_l("没有找到"), _l("可能已被转到其他部门、编号有误，或您没有查看权限。请回到工作台查找。")),
    "forbidden": Words(_l("您没有权限这样做"), _l("需要此权限请联系部门负责人或系统管理员。")),
    "recused": Words(_l("此事与经办人有关，需要回避"), _l("请由同事办理；认错人了，请督办员解除回避。")),
    "illegal_transition": Words(_l("工单的状态已不允许这样做"), _l("可能有同事刚刚处理过，请刷新页面查看最新状态。")),
    "too_soon": Words(_l("您刚刚催办过，经办人已收到提醒。"), _l("仍不办理，可请督办员督办。")),
    "stale_version": Words(_l("工单刚刚有变化"), _l("请刷新页面，看过最新内容后再操作。")),
    "stale_reply": Words(_l("您写回复时有新消息"), _l("请先看完下面的新消息，再决定是否仍然发送。")),
    "last_message": Words(
        _l("这是窗口期内最后一条可发的消息"), _l("建议留给最终答复；如确需现在发送，请点“仍然发送”。")
    ),
    "invalid": Words(_l("填写的内容有问题"), _l("请按提示修改后再提交。")),
    "bad_request": Words(_l("请求无法处理"), _l("页面可能已过期，请刷新页面后重试；已写的回复草稿会保留。")),
    "unauthorized": Words(_l("请先登录"), _l("登录后会回到刚才的页面。")),
    "method_not_allowed": Words(_l("不支持这样的访问"), _l("请从页面上的按钮操作。")),
    "too_large": Words(_l("内容太大"), _l("请减小文件或文字后重试。")),
    "too_many_requests": Words(_l("操作太频繁"), _l("请等几分钟再试。")),
    "database_away": Words(_l("数据库暂时没有响应"), _l("数据没有丢失，请过几秒再试。")),
    "error": Words(_l("系统出错了"), _l("问题已记录。请稍后再试，仍不行请联系维护人员。")),
}

SENTENCES: Mapping[str, LazyString] = {  # what the service says about single fields
    "write with whom you spoke and what was said": _l("请写明与谁沟通、说了什么"),
    "must lie in the future": _l("须晚于现在"),
    "no such active user": _l("没有这个在用的用户"),
    "the ticket stands with this department already": _l("工单已在这个部门"),
    "a ticket cannot be merged into itself": _l("不能并入自身"),
    "only tickets of the same follower can be merged": _l("只能合并同一客户的工单"),
    "the other ticket is not open": _l("对方工单已结束，不能并入"),
    "a ticket without a final answer is closed with a reason": _l("没有最终答复的工单，办结时须说明原因"),
    "a complaint without a final answer cannot be closed": _l("投诉没有最终答复，不能办结"),
    "whoever handled a complaint may not follow it up": _l("办理过该投诉的人不能回访，请由其他同事回访"),
    "this person does not work on tickets of this department": _l("此人不办理这个部门的工单"),
    "your role lets you assign tickets to yourself only": _l("您只能把工单分派给自己"),
    "the matter is about you: a colleague handles it; a supervisor can lift this": _l(
        "这件事与您有关：由同事办理，督办员可以解除回避"
    ),
    "the matter is about this person: choose somebody else": _l("这件事与此人有关，请选其他人"),
    "nobody has this ticket": _l("工单没有经办人"),
    "only whoever has the ticket hands it back, or somebody who assigns tickets": _l(
        "只有经办人或有分派权限的人可以退回"
    ),
    "only those who assign tickets say that a colleague keeps away": _l("只有有分派权限的人可以要求同事回避"),
    "does not keep away from this ticket": _l("此人没有回避这张工单"),
    "this person is not on duty now": _l("此人现在不在岗"),
    "this person has as many open tickets as they can have": _l("此人在手工单已满"),
    "the message has gone out or is on its way": _l("消息已发出或正在发送，无法撤回"),
    "only a message that failed or is unknown can be sent again": _l("只有未送达或结果未知的消息可以再次发送"),
    "at least 10 characters": _l("至少 10 个字符"),
    "too easy to guess": _l("太容易被猜到"),
    "must not contain the username": _l("不能包含用户名"),
    "mix letters with digits or signs": _l("请混用字母与数字或符号"),
    "the calendar's week has no opening hours": _l("一周至少要有一天上班"),
    "is taken": _l("已被使用，请换一个"),
    "the kept address is another vendor's; copy the robot's own": _l("已保存的地址不属于这种机器人，请重新填写地址"),
    "not an e-mail address": _l("请填写正确的邮箱地址，例如 name@example.com"),
    "letters, digits, dot, dash and underscore only": _l("只能用字母、数字、点、横线和下划线"),
    "is the last administrator; make another one first": _l("这是最后一名系统管理员，请先设置另一名"),
    "a ticket that has ended is not supervised": _l("工单已结束，不能督办"),
    "an order is open already; raise its level instead": _l("工单已有未结的督办，可以提高它的级别"),
    "the order has this level or a higher one already": _l("督办已是这一级或更高"),
    "the order is answered already; it waits for the verdict": _l("督办已答复过，正在等督办员的结论"),
    "whoever opened the order does not answer it": _l("发起督办的人不能自己答复，请由经办人答复"),
    "the order is not answered; say why no answer is needed": _l("督办还没有答复，请写明为什么无需答复"),
    "no supervision order is open on this ticket": _l("这张工单没有未结的督办，可能刚刚结束"),
    "nobody owes an answer on this ticket any more": _l("这张工单已答复或已结束，不用再催"),
    "you have urged this ticket a short while ago": _l("您刚刚催办过，经办人已收到提醒。"),
    "the ticket is answered, has ended or is due already: more time is asked for before that": _l(
        "工单已答复、已结束或已到期：延期须在到期前申请和审批"
    ),
    "a request for this ticket waits for its decision already": _l("这张工单已有待审批的延期申请"),
    "this request has been decided, or has lapsed": _l("这条申请已审批或已失效"),
    "whoever asked for more time does not grant it": _l("申请人不能审批自己的延期"),
    "a further extension of the same ticket is decided by a supervisor": _l("再次延期由督办员审批"),
    "say why: whoever asked reads it": _l("不同意须写明原因，申请人会看到"),
    "this entry has been judged already": _l("这条登记已认定过"),
    "say why it does not count": _l("不计超时须写明原因"),
    "choose at least one entry": _l("请先勾选要认定的登记"),
    "nobody judges a breach of their own": _l("不能认定本人的超时，请由其他督办员认定"),
    "only whoever is blamed, or the head of the department, may appeal": _l("只有责任人或部门负责人可以申诉"),
    "there is an appeal against this entry already": _l("这条登记已申诉过，每条只能申诉一次"),
    "only a confirmed entry can be appealed against": _l("只有已认定的登记可以申诉"),
    "the time to appeal has passed": _l("申诉期已过"),
    "no appeal against this entry is open": _l("这条登记没有待裁定的申诉，可能刚刚裁定过"),
    "an appeal is decided by another supervisor than the one who confirmed": _l("申诉由认定人以外的督办员裁定"),
    "say why: whoever appealed reads it": _l("请写明裁定理由，申诉人会看到"),
    "this colleague is not on duty, is away or has no room; choose another one": _l(
        "这位同事不在班、暂离或在手已满，请另选一位"
    ),
    "only whoever has the ticket in hand hands it over": _l("工单已不在您手上，不用再交接"),
    "must not be empty": _l("请填写此项"),
    "no such ticket": _l("没有这个工单"),
    "use at most 29 bytes, which are nine Chinese characters": _l("备注名最多 29 字节（约 9 个汉字）"),
    "a follower has at most 20 tags": _l("一位粉丝最多 20 个标签，请先去掉一个"),
    "a tag has 1 to 30 bytes, which are ten Chinese characters": _l("标签名须为 1 到 30 字节（约 10 个汉字）"),
    "say why: it is kept in the audit trail": _l("请说明原因，会记入审计"),
    "the follower is blocked already": _l("此人已在黑名单中"),
    "the follower is not blocked": _l("此人不在黑名单中"),
    "only certified service accounts can make codes with a scene": _l("只有已认证的服务号能生成带场景的二维码"),
    "the version has changed meanwhile": _l("版本刚刚有变化，请重新查看后再发布"),
    "no version is in work": _l("没有正在编写或待审核的版本"),
    "send a PNG, JPEG or GIF picture, or an MP3 or AMR voice": _l("请选 PNG、JPEG、GIF 图片，或 MP3、AMR 语音"),
    "a picture may have 10 MB": _l("图片不能超过 10 MB，请压缩后再添加"),
    "a voice file may have 2 MB": _l("语音不能超过 2 MB，请压缩后再添加"),
    "the picture has too many pixels": _l("图片尺寸过大，请缩小后再添加"),
    "this voice file cannot be read; save it again as MP3 or AMR": _l("语音文件无法读取，请另存为 MP3 或 AMR 后再添加"),
    "a voice may last 60 seconds": _l("语音不能超过 60 秒，请剪短后再添加"),
    "a reply may carry 9 files": _l("一条回复最多带 9 个文件"),
    "a file is no longer there; add it again": _l("有文件已失效，请移除后重新添加"),
    "files and links go out by WeChat only": _l("文件和链接只能通过微信发送，请先移除"),
    "this account is not certified and cannot send files": _l("这个公众号未认证，不能发送文件，请改用文字"),
    "the table is full; delete a row first": _l("规则表已满，请先删除不用的行"),
    "choose the category that it belongs to": _l("请先选择它所属的类别"),
    "this category is not there": _l("这个类别已不存在，请另选"),
    "this subcategory is not one of the category's": _l("这个子类不属于所选类别，请另选"),
    "this priority is not there": _l("这个优先级不存在，请另选"),
    "this account is not there": _l("这个公众号已不存在，请另选"),
    "write at least one word": _l("请至少写一个词语"),
    "no moment lies in these hours": _l("这段时间是空的：开始和结束不能相同"),
    "this department is not there, or not in use": _l("这个部门不存在或已停用，请另选"),
    "this effect is not there": _l("请从列表里选择"),
    "choose words or a pattern": _l("请选择词语或正则表达式"),
    "choose a category or an effect": _l("类别和“附带作用”至少要选一个"),
    "a weight lies between -10 and 10 and is not 0": _l("权重在 -10 到 10 之间，不能是 0"),
    "there is a rule with this pattern already; change that one": _l("已有一条同样的规则，请直接改那一条"),
    "there are too many rules; put words of the same reason into one": _l("规则太多了，请把同一理由的词语写进一条"),
    "this is too long; make several rules with the same reason": _l("太长了，请拆成几条理由相同的规则"),
    "a rule needs at least one word": _l("请至少写一个词语，标点不算"),
    "references to groups are not allowed": _l("不能引用前面的分组（\\1 之类）"),
    "a repetition inside a repeated group can take very long": _l("重复的括号里不能再有重复，会算得很慢"),
    "write small letters: texts are read so": _l("英文字母请用小写：句子比对前已转为小写"),
    "the pattern fits an empty text; write what must be there": _l("这条正则什么都不写也算命中，请写明必须出现什么"),
    "the rule has changed meanwhile": _l("这条规则刚刚有人改过，请重新打开后再改"),
    "the message belongs to a ticket already": _l("这条消息已在工单里，可能刚刚有同事建过"),
    "there are no such targets": _l("时限规则里没有这一行，请另选"),
}


NUMBERED: Sequence[tuple[re.Pattern[str], LazyString]] = (  # sentences with numbers in them
    (re.compile(r"at most (?P<days>\d+) working days at a time"), _l("每次最多延期 %(days)s 个工作日")),
    (
        re.compile(r"a ticket of this category is extended at most (?P<times>\d+) times"),
        _l("这类工单最多延期 %(times)s 次，次数已用完"),
    ),
    (
        re.compile(r"a suspension lasts at most (?P<days>\d+) working days: (?P<at>.+) at the latest"),
        _l("每次最多挂起 %(days)s 个工作日，最晚到 %(at)s"),
    ),
    (
        re.compile(r"(?P<left>\d+) of (?P<days>\d+) working days of suspension are left: (?P<at>.+) at the latest"),
        _l("每张工单共可挂起 %(days)s 个工作日，还剩 %(left)s 个，最晚到 %(at)s"),
    ),
    (
        re.compile(r"the ticket has been suspended for all of its (?P<days>\d+) working days"),
        _l("这张工单的 %(days)s 个挂起工作日已用完，请继续办理或答复客户"),
    ),
    (re.compile(r"not a regular expression: (?P<why>.+)"), _l("不是正确的正则表达式：%(why)s")),
    (
        re.compile(r"(?P<count>\d+) wide repetitions, at most (?P<most>\d+) are allowed"),
        _l("太宽的重复有 %(count)s 处，最多 %(most)s 处"),
    ),
    (
        re.compile(r"(?P<sign>\S+) has no upper bound; write for example \{0,10\}"),
        _l("%(sign)s 没有上限，请改写成 {0,10} 这样"),
    ),
    (re.compile(r"(?P<sign>\S+) is wider than (?P<most>\d+)"), _l("%(sign)s 太宽，最多重复 %(most)s 次")),
)


def explained(code: str) -> Words:
    """What happened and what to do next."""
    return PROBLEMS.get(code, PROBLEMS["bad_request" if code not in ("error",) else "error"])


def sentence(text: str) -> str:
    """A sentence of the service in the page's language; as it is where no translation is known."""
    words = known(text)
    return text if words is None or language() == "en" else words


def known(text: str) -> str | None:
    """The sentence as it is shown; None where no translation is known."""
    if text in SENTENCES:
        return str(SENTENCES[text])
    found = ((pattern.fullmatch(text), words) for pattern, words in NUMBERED)
    return next((str(words) % match.groupdict() for match, words in found if match), None)


def said(detail: str, errors: object = None) -> list[str]:
    """What exactly is wrong, as far as it can be said in the page's language; empty where only the code tells."""
    if isinstance(errors, Mapping):
        return [sentence(str(text)) for texts in errors.values() for text in (texts if isinstance(texts, list) else [])]
    return [sentence(detail)] if known(detail) is not None or (detail and language() == "en") else []


def remember(rules: Rulebook) -> None:
    """Keep the rules for the words of this page."""
    g.rules = rules
