"""The followers of the made-up company: what staff call them, and the openids that the simulator gives their names."""

import base64
import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass

OPENID_LENGTH = 28
# on the simulator's phone: the first have nothing open, so that a word of theirs opens a ticket
AT_EASE = ("王女士", "李先生", "张阿姨", "陈先生", "刘小姐", "赵师傅")
WAITING = ("周先生", "吴女士", "郑老师", "孙阿姨", "钱先生", "小林")  # the newest tickets are theirs
ON_THE_PHONE = AT_EASE + WAITING
SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖"
    "石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙史陶贺毛郝顾龚邵万钱严赖覃洪武莫孔汤"
)
TITLES = ("先生", "女士", "女士", "先生", "小姐", "阿姨", "师傅", "老师", "叔叔")
SHARE_WITH_REMARK = 0.6  # the rest keep the pseudonym that the desk makes of their openid


@dataclass(frozen=True, slots=True)
class Person:
    """A follower: `name` is what the tickets' texts call them, `remark` what staff noted, None for nothing."""

    openid: str
    name: str
    remark: str | None


def openid_for(app_id: str, name: str) -> str:
    """The openid that the simulator gives a person of this name: 28 characters, the same after each start."""
    digest = hashlib.sha256(f"{app_id}:{name}".encode()).digest()
    return ("o" + base64.urlsafe_b64encode(digest).decode())[:OPENID_LENGTH]


def people(app_id: str, chance: random.Random) -> Iterator[Person]:
    """Those on the phone first, then others without end."""
    for name in ON_THE_PHONE:
        yield Person(openid_for(app_id, name), name, name)
    number = 0
    while True:
        number += 1
        name = chance.choice(SURNAMES) + chance.choice(TITLES)
        if name in ON_THE_PHONE:
            continue
        remark = name if chance.random() < SHARE_WITH_REMARK else None
        yield Person(openid_for(app_id, f"{name} {number}"), name, remark)
