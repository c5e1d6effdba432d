"""What the shipped rules make of sentences written for this test: each row has the reason why it is there."""

import pytest

from service.routing.classifier import rules_alone

URGENT = (
    ("电梯里困了两个人，快来", "trapped"),
    ("孩子反锁在家里了", "minor locked in"),
    ("楼道闻到很重的煤气味", "gas"),
    ("配电箱在冒烟", "electricity"),
    ("路灯杆漏电，我手被麻了一下", "electricity"),
    ("外墙瓷砖往下掉，差点砸到人", "structure"),
    ("小区井盖不见了", "structure"),
    ("有人高空抛物，砸下来一个酒瓶", "structure"),
    ("吃了你们的蛋糕全家上吐下泻", "food poisoning"),
    ("我爸在候诊区晕倒了", "medical"),
    ("停电了，家里老人要用呼吸机", "medical"),
    ("刚才卡里被转走八千，不是我操作的", "money being lost"),
    ("我好像被骗了，刚把验证码给了对方", "fraud under way"),
    ("打开APP看到的是别人的订单和地址", "data leaking"),
    ("业主名单和手机号被贴在公告栏", "data leaking"),
    ("明天上午手术，报告今天必须拿到", "deadline"),
    ("再不处理我就找记者曝光", "media"),
    ("已经委托律师，法院见", "law"),
    ("我们六十户业主准备联名上访", "group action"),
    ("不想活了，你们逼死我算了", "self-harm"),
    ("幼儿园老师打孩子耳光", "minors"),
    ("我家老人走丢了，能调监控吗", "missing person"),
    ("隔壁着火了", "fire"),
    ("消防通道被锁死了", "fire escape"),
    ("電梯困咗人，快啲嚟", "Cantonese"),
    ("There is a gas leak on the third floor", "English"),
    ("天然气好像漏了，有味道", "gas"),
    ("充电桩在打火花", "electricity"),
    ("暖气管爆了，水漫到走廊", "water"),
    ("小孩被你们店的玻璃门夹伤了手", "hurt"),
)

NOT_URGENT = (
    ("消防演习几点开始", "an event, not a fire"),
    ("漏电保护器多少钱", "a device"),
    ("燃气费漏缴了怎么补", "漏 of a payment"),
    ("急诊挂号费多少", "asks for a price"),
    ("儿童防走失手环有卖吗", "a product"),
    ("活动截止到几号", "asks for a date"),
    ("转发朋友圈有没有礼品", "not a threat"),
    ("这周天气热得要着了", "idle talk"),
    ("炸鸡套餐多少钱", "炸 of food"),
    ("帮我取消预约", "an ordinary request"),
    ("你们态度太差了", "anger alone"),
    ("律师证年审去哪办", "a certificate"),
    ("物业费怎么交", "an ordinary question"),
    ("如果充电时起火算谁的责任", "hypothetical"),
    ("感谢消防员及时扑灭了火灾", "thanks for a rescue"),
    ("电梯坏了，麻烦修一下", "a defect without danger"),
    ("水龙头滴水", "a defect without danger"),
    ("骨折病人住院能报销多少", "asks about insurance"),
)


@pytest.mark.parametrize(("text", "why"), URGENT)
def test_danger_loss_and_threats_are_urgent_whatever_the_category(text: str, why: str) -> None:
    verdict = rules_alone().classify(text)

    assert verdict.priority == "urgent", (why, verdict)
    assert verdict.because != ("没有命中规则",)


@pytest.mark.parametrize(("text", "why"), NOT_URGENT)
def test_words_of_danger_alone_are_not_urgent(text: str, why: str) -> None:
    verdict = rules_alone().classify(text)

    assert verdict.priority != "urgent", (why, verdict)
