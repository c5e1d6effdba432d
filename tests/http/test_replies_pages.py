"""Auto-replies on the pages: written, tried, compared, reviewed by another person, and brought back."""

import re

import pytest
from flask import Flask
from sqlalchemy import select

from service import publishing
from service.channels.wechat import accounts, autoreply_import
from service.channels.wechat.autoreply_import import Left
from service.channels.wechat.calls import RefusedError
from service.database import reading, transaction
from service.publishing import Publication, State
from service.rulebook import documents_in
from service.tickets.answers import KIND
from tests.factories import Desk
from tests.page_rig import Visitor, visitor, words_of

CHANNEL = "wechat:main"
URL = "/admin/replies/main"
FORM = {
    "name": "营业时间",
    "enabled": "y",
    "exact": "营业时间\n几点开门",
    "contains": "",
    "pattern": "",
    "action": "text",
    "answers-0": "每天九点到六点",
    "answers-1": "",
    "pick": "all",
    "only_reply": "y",
    "priority": "50",
    "days": list("0123456"),
    "start": "",
    "end": "",
    "hours": "any",
}


@pytest.fixture(autouse=True)
def account(app: Flask) -> None:
    names = {"original_id": "gh_0123456789ab", "app_id": "wx0123456789abcdef", "token": "tok3n", "aes_key": "k" * 43}
    with transaction() as session:
        accounts.add(session, slug="main", name="示例商城", app_secret="s3cret", **names)


@pytest.fixture
def author(app: Flask, desk: Desk) -> Visitor:
    return visitor(app, desk.person("lin", "account_admin", "QGB"))


@pytest.fixture
def reviewer(app: Flask, desk: Desk) -> Visitor:
    return visitor(app, desk.person("wang", "reviewer", "QGB"))


def latest() -> Publication:
    with reading() as session:
        found = session.scalars(select(Publication).order_by(Publication.version.desc()).limit(1)).one()
        session.expunge(found)
    return found


def names(content: object) -> list[str]:
    return [rule["name"] for rule in content["rules"]]  # type: ignore[index]


def in_force() -> list[str]:
    with reading() as session:
        session.expire_all()
        return names(documents_in(session)[KIND, CHANNEL])


def write_and_publish(author: Visitor, reviewer: Visitor, **changes: object) -> None:
    author.post(f"{URL}/rules/new", FORM | changes)
    author.post(f"{URL}/submit", {"note": "加一条"})
    assert reviewer.post(f"{URL}/publish").status_code == 303


def test_what_is_shipped_is_shown_until_something_is_published(author: Visitor):
    page = words_of(author.get(URL))

    assert "使用默认规则" in page
    assert "完全等于：进度、查询" in page


def test_what_its_author_changed_after_it_was_read_is_not_published(author: Visitor, reviewer: Visitor):
    author.post(f"{URL}/rules/new", FORM)
    author.post(f"{URL}/submit", {"note": "加一条"})
    (seen,) = re.findall(r'name="seen" value="([^"]+)"', reviewer.get(URL).text)
    author.post(f"{URL}/take-back")
    author.post(f"{URL}/rules/new", FORM | {"name": "没人看过"})
    author.post(f"{URL}/submit", {"note": ""})

    reviewer.post(f"{URL}/publish", {"seen": seen})

    assert latest().state == State.SUBMITTED


def test_a_rule_is_written_reviewed_by_another_person_and_in_force(author: Visitor, reviewer: Visitor):
    assert author.post(f"{URL}/rules/new", FORM).status_code == 303
    assert latest().state == State.DRAFT
    author.post(f"{URL}/submit", {"note": "加营业时间"})
    assert author.post(f"{URL}/publish").status_code == 403

    page = words_of(reviewer.get(URL))
    assert "加营业时间" in page
    assert "新增 营业时间" in page
    assert "完全等于：营业时间、几点开门" in page
    assert reviewer.post(f"{URL}/publish").status_code == 303

    assert (latest().state, latest().reviewer) == (State.PUBLISHED, "wang")
    assert in_force()[-1] == "营业时间"


def test_an_administrator_may_not_publish_what_they_wrote_themselves(app: Flask, desk: Desk):
    boss = visitor(app, desk.person("boss", "admin", "QGB"))
    boss.post(f"{URL}/rules/new", FORM)
    boss.post(f"{URL}/submit")

    assert boss.post(f"{URL}/publish").status_code == 403
    assert latest().state == State.SUBMITTED


def test_a_reviewer_sends_a_version_back_with_the_reason(author: Visitor, reviewer: Visitor):
    author.post(f"{URL}/rules/new", FORM)
    author.post(f"{URL}/submit")

    reviewer.post(f"{URL}/reject", {"note": "请写清节假日"})

    assert (latest().state, latest().note) == (State.REJECTED, "请写清节假日")
    assert "请写清节假日" in words_of(author.get(URL))


def test_a_change_is_shown_beside_what_is_in_force(author: Visitor, reviewer: Visitor):
    write_and_publish(author, reviewer)
    rule_id = latest().content["rules"][-1]["id"]  # type: ignore[index]

    author.post(f"{URL}/rules/{rule_id}", FORM | {"answers-0": "每天八点到八点", "hours": "outside"})

    page = author.get(URL)
    assert "<del>每天九点到六点</del><ins>每天八点到八点</ins>" in page.text
    assert "仅非工作时间" in words_of(page)
    author.post(f"{URL}/rules/{rule_id}/delete")
    assert "删除 营业时间" in words_of(author.get(URL))


def test_an_earlier_version_comes_back_as_a_draft(author: Visitor, reviewer: Visitor):
    write_and_publish(author, reviewer)
    write_and_publish(author, reviewer, name="停车")
    author.post(f"{URL}/restore/1")
    author.post(f"{URL}/submit")
    reviewer.post(f"{URL}/publish")

    assert (latest().version, latest().restored_from, in_force()[-1]) == (3, 1, "营业时间")


def test_a_draft_is_taken_back_and_given_up(author: Visitor):
    author.post(f"{URL}/rules/new", FORM)
    author.post(f"{URL}/submit")
    assert author.post(f"{URL}/rules/new", FORM).status_code == 409
    author.post(f"{URL}/take-back")
    assert author.post(f"{URL}/rules/new", FORM | {"name": "停车"}).status_code == 303
    author.post(f"{URL}/discard")

    assert latest().state == State.REJECTED


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "请填写此项"),
        ({"exact": ""}, "至少填写一个关键词"),
        ({"answers-0": ""}, "至少填写一条答复"),
        ({"pattern": "("}, "不是正确的表达式"),
        ({"pattern": "(.{0,100}){9}x"}, "过于复杂"),
        ({"start": "25:00", "end": "26:00"}, "如 09:00"),
        ({"priority": "1000"}, "100"),
        ({"days": []}, "请选择一项"),
    ],
)
def test_a_mistake_is_said_beside_its_field_and_nothing_is_lost(author: Visitor, changes: dict, words: str):
    page = author.post(f"{URL}/rules/new", FORM | changes)

    assert page.status_code == 422
    assert words in words_of(page)
    kept = [FORM[name] for name in ("answers-0", "name") if name not in changes]
    assert [text for text in kept if text not in page.text] == []
    with reading() as session:
        assert publishing.in_work(session, KIND, CHANNEL) is None


def test_the_welcome_and_the_default_answers_are_edited(author: Visitor):
    fields = {"paragraphs": "欢迎。\r\n\r\n请留言。", "gift": "凭此消息领礼品", "inside": "在", "outside": ""}
    author.post(f"{URL}/sayings", fields)

    content = latest().content
    assert content["welcome"] == {"paragraphs": ["欢迎。", "请留言。"], "gift": "凭此消息领礼品"}
    assert content["defaults"] == {"inside": "在", "outside": ""}
    assert "凭此消息领礼品" in author.get(f"{URL}/sayings").text


@pytest.mark.parametrize(
    ("message", "at", "told"),
    [
        ("营业时间", "2026-03-04T10:00", ["命中规则：营业时间", "不登记工单", "每天九点到六点"]),
        ("我家漏水了", "2026-03-04T10:00", ["没有命中规则", "GD20260304-0001", "今天 10:30前"]),
        ("我家漏水了", "2026-03-04T23:00", ["将从 明天 09:00 起处理"]),
        ("谢谢", "2026-03-04T10:00", ["不答复"]),
        ("你好", "2026-03-04T10:00", ["我们在"]),
        ("人工", "2026-03-04T10:00", ["命中规则：找人工", "登记工单", "前会有工作人员联系您"]),
        ("进度", "2026-03-04T10:00", ["没有正在办理的事项", "因粉丝自己的工单而不同"]),
    ],
)
def test_a_message_can_be_tried_on_the_draft_at_any_time(author: Visitor, message: str, at: str, told: list[str]):
    author.post(f"{URL}/rules/new", FORM)

    page = words_of(author.get(URL, text=message, at=at))

    assert [words for words in told if words not in page] == []


def test_hits_of_thirty_days_stand_beside_the_rules(author: Visitor, desk: Desk):
    desk.now = desk.now.now(desk.now.tzinfo)
    desk.says("进度")

    row = author.get(URL).text.split("<b>查进度</b>")[1].split("</tr>")[0]
    assert 'data-label="30 天命中" class="n">1<' in row


def test_whoever_neither_writes_nor_reviews_stays_out(app: Flask, desk: Desk, reviewer: Visitor):
    agent = visitor(app, desk.person())

    assert [agent.get(path).status_code for path in ("/admin/replies", URL)] == [403, 403]
    assert agent.post(f"{URL}/submit").status_code == 403
    assert reviewer.post(f"{URL}/rules/new", FORM).status_code == 403


def test_a_reviewer_begins_where_the_reviews_are(app: Flask, desk: Desk, reviewer: Visitor):
    assert reviewer.get("/").headers["Location"] == "/admin/replies"
    assert reviewer.get("/admin/replies").headers["Location"] == URL


CONSOLE = {
    "is_add_friend_reply_open": 1,
    "is_autoreply_open": 1,
    "add_friend_autoreply_info": {"type": "text", "content": "欢迎关注"},
    "message_default_autoreply_info": {"type": "img", "content": "MEDIA"},
    "keyword_autoreply_info": {
        "list": [
            {
                "rule_name": "地址",
                "reply_mode": "random_one",
                "keyword_list_info": [
                    {"type": "text", "match_mode": "contain", "content": "地址"},
                    {"type": "text", "match_mode": "equal", "content": "在哪"},
                ],
                "reply_list_info": [
                    {"type": "text", "content": "长江路 1 号"},
                    {"type": "voice", "content": "MEDIA"},
                    {
                        "type": "news",
                        "news_info": {"list": [{"title": "怎么走", "content_url": "https://mp.weixin.qq.com/s/x"}]},
                    },
                ],
            },
            {
                "rule_name": "视频",
                "reply_mode": "reply_all",
                "keyword_list_info": [{"type": "text", "match_mode": "equal", "content": "视频"}],
                "reply_list_info": [{"type": "video", "content": "MEDIA"}],
            },
        ]
    },
}


def test_rules_of_the_console_are_read_and_what_is_left_is_named():
    found = autoreply_import.read(CONSOLE)

    [rule] = found.rules
    assert (rule["name"], rule["pick"], rule["only_reply"]) == ("地址", "random", True)
    assert rule["keywords"] == [{"how": "contains", "words": ["地址"]}, {"how": "exact", "words": ["在哪"]}]
    assert rule["answers"] == ["长江路 1 号", '<a href="https://mp.weixin.qq.com/s/x">怎么走</a>']
    assert (found.welcome, found.default) == ("欢迎关注", "")
    assert list(found.left) == [Left("地址", "voice"), Left("视频", "video"), Left("视频", "empty"), Left("", "img")]


@pytest.mark.parametrize("odd", [{}, {"keyword_autoreply_info": []}, {"keyword_autoreply_info": {"list": [1, {}]}}])
def test_an_odd_answer_of_the_platform_gives_no_rules(odd: dict):
    assert autoreply_import.read(odd).rules == []


def test_an_import_goes_into_the_draft_twice_without_doubling(author: Visitor, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(autoreply_import, "fetch", lambda _: autoreply_import.read(CONSOLE))
    for _ in range(2):
        author.post(f"{URL}/import")

    assert names(latest().content).count("地址") == 1
    assert latest().content["welcome"]["paragraphs"] == ["欢迎关注"]  # type: ignore[index]
    assert "未导入：地址 的语音" in words_of(author.get(URL))


def test_a_refused_import_says_what_to_do_and_changes_nothing(author: Visitor, monkeypatch: pytest.MonkeyPatch):
    def refuse(_: object) -> None:
        raise RefusedError(48001, {"zh": "这个账号没有权限", "en": "no permission"})

    monkeypatch.setattr(autoreply_import, "fetch", refuse)

    page = author.post(f"{URL}/import")

    assert page.status_code == 422
    assert "这个账号没有权限 (48001)" in words_of(page)
