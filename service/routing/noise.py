"""Talk that opens no ticket: thanks, greetings alone, acknowledgements, stickers. Pure; in doubt it is a matter."""

import re
import unicodedata

from service.routing.text import normalise

LONGEST_TALK = 60  # longer texts are matters whatever they consist of

_FACES = (
    "微笑 撇嘴 色 发呆 得意 流泪 害羞 闭嘴 睡 大哭 尴尬 发怒 调皮 呲牙 惊讶 难过 囧 抓狂 吐 偷笑 愉快 白眼 傲慢 困 惊恐 憨笑 悠闲 "
    "咒骂 疑问 嘘 晕 衰 骷髅 敲打 再见 擦汗 抠鼻 鼓掌 坏笑 左哼哼 右哼哼 哈欠 鄙视 委屈 快哭了 阴险 亲亲 可怜 笑脸 生病 脸红 "
    "破涕为笑 恐惧 失望 无语 嘿哈 捂脸 奸笑 机智 皱眉 耶 吃瓜 加油 汗 天啊 emm 社会社会 旺柴 好的 打脸 哇 翻白眼 666 让我看看 "
    "叹气 苦涩 裂开 嘴唇 爱心 心碎 拥抱 强 弱 握手 胜利 抱拳 勾引 拳头 ok no 合十 啤酒 咖啡 蛋糕 玫瑰 凋谢 菜刀 炸弹 便便 月亮 "
    "太阳 庆祝 礼物 红包 发 福 烟花 爆竹 猪头 跳跳 发抖 转圈 流汗 奋斗 折磨 大兵 西瓜 足球 瓢虫 篮球 乒乓 闪电 示爱 飞吻 差劲 "
    "爱你 磕头 回头 跳绳 投降 激动 街舞 献吻 表情 动画表情 smile grimace drool scowl sob shy laugh angry tongue grin surprise sad "
    "chuckle joyful facepalm smirk smart party heart thumbsup thumbsdown shake peace fight rose hug salute clap worship moon sun"
)
_OLD_FACES = (  # the codes that old clients send instead of names
    "::) ::~ ::b ::| :8-) ::< ::$ ::x ::z ::'( ::-| ::@ ::p ::d ::o ::( ::+ :--b ::q ::t :,@p :,@-d :,@o ::g :|-) ::! ::l "
    "::> ::,@ :,@f ::-s :? :,@x :,@@ ::8 :,@! :!!! :xx :bye :wipe :dig :handclap :&-( :b-) :<@ :@> ::-o :>-| :p-( ::'| :x-) "
    "::* :@x :8* :pd :<w> :beer :basketb :oo :coffee :eat :pig :rose :fade :showlove :heart :break :cake :li :bome :kn "
    ":footb :ladybug :shit :moon :sun :gift :hug :strong :weak :share :v :@) :jj :@@ :bad :lvu :no :ok :love :<l> :jump "
    ":circle :kotow :turn :skip :oy"
)
_FACE = re.compile(
    r"\[(?:" + "|".join(_FACES.split()) + r")\]|/(?:"
    r"" + "|".join(map(re.escape, sorted(_OLD_FACES.split(), key=len, reverse=True))) + r")(?![a-z0-9])"
)
_PLACEHOLDER = re.compile(
    r"[\[【]收到不支持的消息类型[,，]?暂无法显示[\]】]"
)  # what the platform sends for kinds it does not forward

_PHRASES = {
    "thanks": (
        "谢谢 谢谢了 谢谢啦 谢啦 谢了 多谢 多谢了 感谢 非常感谢 十分感谢 万分感谢 太感谢了 真的谢谢 蟹蟹 谢谢哈 辛苦 辛苦了 辛苦啦 您辛苦了 你辛苦了 "
        "麻烦了 麻烦您了 麻烦你了 谢谢回复 谢谢解答 谢谢告知 谢谢关心 谢谢帮助 感谢回复 感谢解答 谢谢你的帮助 谢谢您的帮助 "
        "谢谢您的回复 谢谢你的回复 感谢您的帮助 感谢您的回复 感谢你的帮助 感激不尽 thx 3q 3ks thanks thankyou thankyouverymuch "
        "thankyousomuch manythanks thanksalot thankssomuch muchappreciated cheers tks thankq"
    ),
    "acknowledgement": (
        "好 好的 好滴 好哒 好嘞 好勒 好吧 好好 行 行吧 可以 可以的 嗯 嗯嗯 恩 恩恩 唔 哦 噢 喔 收到 已收到 知道 知道了 我知道了 晓得了 明白 明白了 "
        "了解 了解了 清楚了 懂了 我懂了 对 对的 是 是的 没问题 没事 没事了 没关系 不客气 不用谢 不用了 得嘞 妥 妥了 妥妥的 同意 "
        "ok okay okk okok k 1 11 111 666 gotit noted sure yes yep fine alright roger great understood copythat noproblem nevermind"
    ),
    "greeting": (
        "你好 您好 你们好 大家好 嗨 嘿 喂 哈喽 哈啰 哈罗 在吗 在么 在嘛 在不 在不在 在没 你在吗 您在吗 有人吗 有人么 有人在吗 有人不 "
        "有没有人 有没有人在 客服在吗 客服你好 客服您好 小编好 小编你好 小编在吗 老师好 老师你好 早 早安 早晨 早上好 上午好 中午好 下午好 "
        "晚上好 晚安 午安 请问 请问一下 请问在吗 打扰了 打扰一下 不好意思打扰了 再见 拜拜 新年好 过年好 "
        "新年快乐 春节快乐 节日快乐 中秋快乐 中秋节快乐 国庆快乐 元旦快乐 端午安康 端午快乐 周末愉快 圣诞快乐 恭喜发财 亲 亲亲 "
        "hi hello hey hellothere hithere goodmorning goodafternoon goodevening goodnight morning bye goodbye anyonethere "
        "anybodythere areyouthere happynewyear merrychristmas"
    ),
    "sticker": "哈哈 哈哈哈 嘻嘻 嘿嘿 haha hahaha hhh hh 233 lol",
}
_KIND = {phrase: kind for kind, phrases in _PHRASES.items() for phrase in phrases.split()}
_LONGEST_PHRASE = max(map(len, _KIND))
_RANK = ("thanks", "acknowledgement", "greeting", "sticker")
_PARTICLES = frozenset("啊呀哦噢喔啦哈呢的了吖哟嘛滴哇诶欸")
_ADDRESSEES = (
    "你们 您们 你 您 大家 客服 师傅 老师 小编 医生 护士 亲 亲爱的 哥 姐 小哥 小姐姐 美女 帅哥 您了 你了 领导 经理 管家"
).split()
_NODDING = frozenset("👍👌🆗✅💪☑✔")
_ALARMING = frozenset("🆘🚨")


def talk_kind(text: str) -> str | None:
    """thanks, greeting, acknowledgement or sticker where the text is nothing but that; None where it is a matter."""
    if len(text) > LONGEST_TALK or not _ALARMING.isdisjoint(text):
        return None
    plain = normalise(text)
    bare, faces = _FACE.subn("", _PLACEHOLDER.sub(" [表情] ", plain))
    emoji = {sign for sign in bare if _is_emoji(sign)}
    words = "".join(sign for sign in bare if sign.isalnum())
    if not words:
        return _kind_of_signs(emoji, faces)
    kind = _kind_of_words(words)
    if kind != "greeting" and "?" in bare:
        return None  # "好的?" doubts
    return kind


def _is_emoji(sign: str) -> bool:
    return ord(sign) > 0x203B and unicodedata.category(sign) in ("So", "Sk")


def _kind_of_signs(emoji: set[str], faces: int) -> str | None:
    if not emoji and not faces:
        return None  # punctuation alone is a nudge
    return "acknowledgement" if emoji and not faces and emoji <= _NODDING else "sticker"


def _kind_of_words(words: str) -> str | None:
    """The weightiest kind among the phrases that fill the words without a gap; None if they do not."""
    kinds: set[str] = set()
    at = 0
    while at < len(words):
        size = next((n for n in range(_LONGEST_PHRASE, 0, -1) if words[at : at + n] in _KIND), 0)
        if size:
            kinds.add(_KIND[words[at : at + size]])
            at += size
            continue
        addressee = next((name for name in _ADDRESSEES if words.startswith(name, at)), None)
        if addressee is not None and kinds:
            at += len(addressee)
        elif words[at] in _PARTICLES and kinds:
            at += 1
        else:
            return None
    return next(kind for kind in _RANK if kind in kinds)
