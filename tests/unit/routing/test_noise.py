"""What opens no ticket, and what must: in doubt a text is a matter."""

import pytest

from service.routing.noise import talk_kind

TALK = (
    ("谢谢", "thanks", "plain"),
    ("謝謝！", "thanks", "traditional, with a mark"),
    ("多谢晒", "thanks", "Cantonese"),
    ("唔該", "thanks", "Cantonese"),
    ("好的，谢谢您", "thanks", "acknowledgement and thanks"),
    ("谢谢师傅", "thanks", "with an addressee"),
    ("辛苦啦🌹", "thanks", "with a flower"),
    ("Thank you!", "thanks", "English"),
    ("你好", "greeting", "plain"),
    ("您好呀~", "greeting", "with a particle"),
    ("在吗？", "greeting", "a question that asks nothing"),
    ("你好，在吗", "greeting", "two greetings"),
    ("早上好 [太阳]", "greeting", "with a face"),
    ("hello", "greeting", "English"),
    ("ok, thank you very much", "thanks", "English, several words"),
    ("HI~", "greeting", "capitals"),
    ("有人在吗", "greeting", "calls for somebody"),
    ("新年快乐🎉", "greeting", "wishes"),
    ("你好\n你好", "greeting", "two lines"),
    ("好的", "acknowledgement", "plain"),
    ("收到", "acknowledgement", "plain"),
    ("嗯嗯", "acknowledgement", "doubled"),
    ("OK", "acknowledgement", "English"),
    ("1", "acknowledgement", "a digit for yes"),
    ("👍", "acknowledgement", "nods"),
    ("👍🏻👍🏻", "acknowledgement", "nods with a skin tone"),
    ("知道了，好的", "acknowledgement", "two of them"),
    ("[捂脸]", "sticker", "face by name"),
    ("[捂脸][捂脸] [玫瑰]", "sticker", "several"),
    ("/::)", "sticker", "face of an old client"),
    ("/:rose/:rose", "sticker", "faces of an old client"),
    ("😂😂😂", "sticker", "emoji"),
    ("❤️", "sticker", "emoji with a variation selector"),
    ("【收到不支持的消息类型，暂无法显示】", "sticker", "the platform's placeholder"),
    ("哈哈哈", "sticker", "laughter"),
)

MATTERS = (
    ("在吗？我家漏水了", "greeting before a matter"),
    ("谢谢，但是还没修好", "thanks before a matter"),
    ("你好，请问几点开门", "greeting before a question"),
    ("好的？", "doubts"),
    ("可以吗", "asks"),
    ("好不好", "asks"),
    ("？", "nudges"),
    ("...", "nothing said, but somebody is there"),
    ("人工", "wants a person"),
    ("不行", "refuses"),
    ("没有收到", "contains an acknowledgement"),
    ("收到的东西坏了", "begins like an acknowledgement"),
    ("好慢", "begins like an acknowledgement"),
    ("对不起有用吗", "begins like an acknowledgement"),
    ("谢谢李医生救了我爸", "thanks for a deed is praise"),
    ("2", "a digit that nobody asked for"),
    ("K1", "the number of a building, not two nods"),
    ("1111", "a number of something"),
    ("13800000000", "a number"),
    ("[漏水]", "brackets that are no face"),
    ("/:abc", "a code that is no face"),
    ("[捂脸]又停电", "face and matter"),
    ("🆘", "calls for help"),
    ("救命", "calls for help"),
    ("", "says nothing in words"),
    ("你好" * 40, "too long to be a greeting"),
    ("早点发货", "begins like a greeting"),
    ("在哪", "asks"),
    ("hi, my parcel is lost", "greeting before a matter, English"),
    ("订单号 20261120", "a number of something"),
    ("呵呵", "may be irony"),
)


@pytest.mark.parametrize(("text", "kind", "why"), TALK)
def test_talk_alone_is_recognised(text: str, kind: str, why: str) -> None:
    assert talk_kind(text) == kind, why


@pytest.mark.parametrize(("text", "why"), MATTERS)
def test_everything_else_is_a_matter(text: str, why: str) -> None:
    assert talk_kind(text) is None, why
