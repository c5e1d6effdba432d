"""The auto-replies that the made-up operator once made in the platform's console; the desk can import them."""

CREATED = 1_760_000_000  # Unix seconds


def _rule(name: str, words: list[tuple[str, str]], *answers: dict[str, object]) -> dict[str, object]:
    """A keyword rule; `words` are pairs of `contain` or `equal` and the word."""
    return {
        "rule_name": name,
        "create_time": CREATED,
        "reply_mode": "reply_all",
        "keyword_list_info": [{"type": "text", "match_mode": how, "content": word} for how, word in words],
        "reply_list_info": list(answers),
    }


AUTOREPLY: dict[str, object] = {
    "is_add_friend_reply_open": 1,
    "is_autoreply_open": 1,
    "add_friend_autoreply_info": {
        "type": "text",
        "content": "感谢关注！报修、咨询、投诉都可以直接留言，我们会尽快回复。",
    },
    "message_default_autoreply_info": {"type": "text", "content": "您好，消息已收到，工作人员会尽快回复您。"},
    "keyword_autoreply_info": {
        "list": [
            _rule(
                "营业时间",
                [("contain", "几点"), ("contain", "上班时间"), ("equal", "时间")],
                {"type": "text", "content": "人工服务时间：工作日 9:00–18:00。其他时间请留言。"},
            ),
            _rule(
                "地址",
                [("contain", "在哪"), ("equal", "地址")],
                {"type": "text", "content": "服务大厅：人民路 88 号一楼。"},
            ),
            _rule("海报", [("equal", "海报")], {"type": "img", "content": "SIMimage_poster"}),
        ]
    },
}
