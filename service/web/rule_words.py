"""Words of the keyword rules and of what opens no ticket."""

from flask_babel import lazy_gettext as _l

from service.web.labels import Labels

NO_TICKET = _l("无需建单")
NO_CATEGORY = _l("（不说明类别）")
RULE_KINDS: Labels = {"word": _l("词语"), "regex": _l("正则表达式")}
RULE_EFFECTS: Labels = {
    "": _l("没有"),
    "urgent": _l("紧急"),
    "high": _l("优先级高"),
    "low": _l("优先级低"),
    "cover": _l("遮盖"),
}
RULE_STATES: Labels = {"edited": _l("改过的"), "own": _l("自己加的"), "off": _l("已停用")}
KEPT: Labels = {  # why a message opened no ticket
    "advert": _l("广告"),
    "repeat": _l("重复"),
    "keyword": _l("关键词已自动回复"),
    "blocked": _l("已拉黑"),
    "talk": _l("致谢、问候、表情"),
}
NOISE: Labels = {  # what a message is that opens no ticket
    "thanks": _l("致谢"),
    "acknowledgement": _l("应答"),
    "greeting": _l("问候"),
    "sticker": _l("表情"),
    "advert": _l("广告"),
}
