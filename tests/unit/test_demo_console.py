"""What the made-up operator has in the platform's console is what the desk can import."""

from service.channels.wechat import autoreply_import
from service.demo.console import AUTOREPLY


def test_the_consoles_rules_can_be_imported_but_for_the_picture() -> None:
    found = autoreply_import.read(AUTOREPLY)

    assert [rule["name"] for rule in found.rules] == ["营业时间", "地址"]
    assert found.welcome.startswith("感谢关注")
    assert found.default.startswith("您好")
    assert {left.rule for left in found.left} == {"海报"}
