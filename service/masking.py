"""Personal numbers in what followers write, put out of sight by tokens such as 〔手机号〕. Pure: text in, text out.

Names and addresses have no pattern and stay. Ticket and order numbers, amounts, dates and times stay: they say what the
matter is. Masked text masked again is the same: what is replaced ends where digits (or letters) end, letter patterns
refuse to stand beside a token as beside a letter, and no token holds what a pattern looks for. Each pattern takes time
in proportion to the text: lengths are bounded, and what is not is possessive and starts only where its run starts.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

_GAP = "[ \\-.·—–_\u00a0\u200b-\u200f\u2060\ufeff]{0,2}"  # what people, and their keyboards, put between digits
_IS = r"[ 为是:=的]{0,4}"  # between a cue and what it announces
_WORDY = "0-9A-Za-z"
_SERIAL = "[A-HJ-NP-Za-hj-np-z0-9]"  # of a plate

# full-width and odd signs to ASCII, one for one: what is found here stands at the same place there
_FOLDED: Mapping[int, int] = {
    **{sign: sign - 0xFEE0 for sign in range(0xFF01, 0xFF5F)},
    0x3000: ord(" "),
    0x2011: ord("-"),
    0x2212: ord("-"),
}

# of the administrative division, GB 2260
_PROVINCES = frozenset(re.findall("..", "1112131415212223313233343536374142434445465051525354616263646571818283"))
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"
_CREDIT_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100: no I O S V Z
_CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


def masked(text: str) -> str:
    """The text with a token in the place of each personal number; masked text comes back as it is."""
    shown, folded = text, text.translate(_FOLDED)
    for kind in KINDS:
        shown, folded = _without(kind, shown, folded)
    return _without_cards(shown, folded)


@dataclass(frozen=True, slots=True)
class Kind:
    """What is looked for: the group `it` of the pattern, or all of it, where `holds` agrees."""

    token: str
    pattern: re.Pattern[str]
    holds: Callable[[str], bool] = bool


def _without(kind: Kind, shown: str, folded: str) -> tuple[str, str]:
    """Both spellings with the kind's token; they stay aligned."""
    group = "it" if "it" in kind.pattern.groupindex else 0
    spans = [found.span(group) for found in kind.pattern.finditer(folded) if kind.holds(found.group(group))]
    return _replaced(shown, spans, kind.token), _replaced(folded, spans, kind.token)


def _replaced(text: str, spans: list[tuple[int, int]], token: str) -> str:
    pieces, seen = [], 0
    for start, end in spans:
        pieces += [text[seen:start], token]
        seen = end
    return "".join([*pieces, text[seen:]])


def _without_cards(shown: str, folded: str) -> str:
    """Bank cards: in groups, or one run that passes Luhn after a cue; the nearest label of the clause counts."""
    spans, announced = [], False
    for found in CARDS.finditer(folded):
        kind = found.lastgroup
        if kind in ("cue", "stop"):
            announced = kind == "cue"
        elif kind == "grouped" or (kind == "run" and announced and _passes_luhn(found.group())):
            spans.append(found.span())
    return _replaced(shown, spans, "〔银行卡〕")


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign.isdigit())


def _is_date(text: str) -> bool:
    """Whether YYYYMMDD is a day on which somebody may have been born."""
    try:
        day = date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return False
    return 1880 <= day.year < 2100


def _is_identity(text: str) -> bool:
    """An 18-digit number of GB 11643: province, date, mod 11-2."""
    signs = [sign for sign in text.upper() if sign.isdigit() or sign == "X"]
    total = sum(weight * int(sign) for weight, sign in zip(_ID_WEIGHTS, signs[:17], strict=True))
    born = "".join(signs[6:14])
    return "".join(signs[:2]) in _PROVINCES and _is_date(born) and _ID_CHECKS[total % 11] == signs[17]


def _is_old_identity(text: str) -> bool:
    """A 15-digit number as given until 1999: province and date, no check digit."""
    return text[:2] in _PROVINCES and _is_date("19" + text[6:12])


def _is_credit_code(text: str) -> bool:
    """A unified social credit code of GB 32100, mod 31."""
    total = sum(weight * _CREDIT_SIGNS.index(sign) for weight, sign in zip(_CREDIT_WEIGHTS, text[:17], strict=True))
    return _CREDIT_SIGNS[-total % 31] == text[17]


def _is_local_number(text: str) -> bool:
    return not _is_date(_digits(text).ljust(8, "0"))


def _passes_luhn(text: str) -> bool:
    doubled = (sum(divmod(2 * int(sign), 10)) for sign in text[-2::-2])
    return (sum(map(int, text[-1::-2])) + sum(doubled)) % 10 == 0


def _is_spelt_mobile(text: str) -> bool:
    return len(re.findall(r"[^一幺]", text)) > 2  # 一一一一… counts nothing


_ANNOUNCED_ACCOUNT = (
    rf"(?:(?:微信(?:号码?|[Ii][Dd]|账号|帐号)|(?:加|\+)(?:我|个|一?下)?(?:微信|[Vv][Xx]?|微)|[Vv]信|薇信|威信"
    rf"|[VvWw][Xx](?:[Ii][Dd])?)号?码?{_IS}|(?:微信|[Ww]e[Cc]hat(?:[ ]?[Ii][Dd])?)[ ]?[:是为][ ]?)"
    r"(?!GD[0-9]{8}-|https?:)(?P<it>[A-Za-z0-9_-]{6,}+)"
)
_MOBILE = (
    r"(?<![0-9])(?:(?:\((?:\+|00)?86\)|(?:\+|00)?86)"
    + _GAP
    + r")?(?:1[3-9][0-9]"
    + _GAP
    + r"[0-9]{4}"
    + _GAP
    + r"[0-9]{4}"
    r"|1[3-9][0-9]" + _GAP + r"[0-9]{3}" + _GAP + r"[0-9]{5}"
    r"|1[ \-.](?:[3-9])(?:[ \-.][0-9]){9})(?![0-9])"
)
_AREA = r"(?:10|2[0-9]|[3-9][0-9]{2})"
_LANDLINE = (
    rf"(?:\(0{_AREA}\)[ \-]?[1-9][0-9]{{2,3}}[ \-]?[0-9]{{4}}|(?<![0-9])(?:(?:\+|00)?86[ \-]?)?0{_AREA}"
    r"(?:[ \-]{1,2}[1-9][0-9]{2,3}[ \-]?[0-9]{4}|[2-9][0-9]{2,3}[ \-]?[0-9]{4}))"
    r"(?:(?:[ ]?转[ ]?|-)[0-9]{1,5})?(?![0-9])"
)

# in this order: what may hold another kind comes first
KINDS = (
    Kind(
        "〔邮箱〕",
        re.compile(r"(?<![A-Za-z0-9._%+\-])(?:[A-Za-z0-9._%+\-]++@[A-Za-z0-9\-]++(?:\.[A-Za-z0-9\-]++)++)++"),
    ),
    Kind("〔微信号〕", re.compile(_ANNOUNCED_ACCOUNT)),
    Kind("〔QQ号〕", re.compile(rf"[Qq]{{2}}(?:号码?)?{_IS}(?P<it>[1-9][0-9]{{4,10}})(?![0-9])")),
    Kind(
        "〔证件号〕", re.compile(rf"身份证(?:号码?)?{_IS}(?P<it>[0-9]{{17}}[Xx]|(?:[0-9]{{15}}|[0-9]{{18}})(?![0-9]))")
    ),
    Kind(
        "〔证件号〕",
        re.compile(rf"(?<![0-9])[0-9]{{6}}{_GAP}[0-9]{{8}}{_GAP}[0-9]{{3}}(?:[Xx]|[0-9](?![0-9]))"),
        _is_identity,
    ),
    Kind("〔证件号〕", re.compile(r"(?<![0-9])[0-9]{15}(?![0-9])"), _is_old_identity),
    Kind(
        "〔信用代码〕",
        re.compile(rf"(?<![{_WORDY}〕])[159ANY][0-9A-HJ-NPQRTUWXY][0-9]{{6}}[0-9A-HJ-NPQRTUWXY]{{10}}(?![{_WORDY}〔])"),
        _is_credit_code,
    ),
    Kind(
        "〔车牌号〕",
        re.compile(
            "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Za-hj-np-z][ ·.\\-•]{0,2}"
            rf"(?=[A-Za-z]{{0,5}}[0-9])(?:{_SERIAL}{{5,6}}(?![{_WORDY}〔])|{_SERIAL}{{4}}[学警港澳挂领])"
        ),
    ),
    Kind("〔手机号〕", re.compile(_MOBILE)),
    Kind(
        "〔手机号〕",
        re.compile(
            "(?<![零〇一幺二三四五六七八九])[一幺][三四五六七八九][零〇一幺二三四五六七八九]{9}(?![零〇一幺二三四五六七八九])"
        ),
        _is_spelt_mobile,
    ),
    Kind("〔电话〕", re.compile(_LANDLINE)),
    Kind("〔电话〕", re.compile(r"\+(?!86)[1-9][0-9]{0,2}[ \-]?[0-9]{2,4}(?:[ \-]?[0-9]{2,4}){1,3}(?![0-9])")),
    Kind(
        "〔电话〕",
        re.compile(
            rf"(?:电话|座机|固话|致电|来电|拨打|[Tt][Ee][Ll])(?:号码?)?{_IS}(?P<it>[2-9][0-9]{{2,3}}[ \-]?[0-9]{{4}})"
            r"(?![0-9]|[ ]?[年月日元块])"
        ),
        _is_local_number,
    ),
    Kind(
        "〔验证码〕",
        re.compile(
            rf"(?:验证码|校验码|动态码|动态密码|动态口令|口令|密码){_IS}(?P<it>[0-9]{{4,8}})"
            r"(?![0-9]|[ ]?[年月日号点时分秒元块次个位条天小])"
        ),
    ),
)
CARDS = re.compile(
    r"(?P<token>〔[^〔〕]{1,8}〕)"
    r"|(?P<stop>[。!?;\n]|订单|单号|流水|编号|快递|运单)"
    r"|(?P<cue>卡号|银行卡|储蓄卡|信用卡|借记卡|工资卡|银行账[户号]|账号|帐号|账户|收款|转账|打款|退款到|尾号|[农工建]行|招行|中行|交行)"
    r"|(?P<grouped>(?<![0-9])[0-9]{4}(?P<joint>[ \-])[0-9]{4}(?P=joint)[0-9]{4}(?P=joint)[0-9]{4}"
    r"(?:(?P=joint)[0-9]{1,3})?(?![0-9])|(?<![0-9])62[0-9]{4}[ \-][0-9]{10,13}(?![0-9]))"
    r"|(?P<run>(?<![0-9])[0-9]{16,19}(?![0-9]))"
)
