"""The icons of the pages as one file; npm itself is tried by `make setup`."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from service import assets

OUTLINE = """<svg
  xmlns="http://www.w3.org/2000/svg"
  stroke="currentColor"
>
  <path stroke="none" d="M0 0h24v24H0z" fill="none" />
  <path d="M4 6h2" />
</svg>
"""


def drawings(folder: Path, *names: str) -> Path:
    for name in names:
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(OUTLINE, encoding="utf-8")
    return folder


def test_a_sprite_holds_every_named_icon_as_a_symbol(tmp_path: Path) -> None:
    sheet = ET.fromstring(  # noqa: S314
        assets.sprite(["inbox", "star-filled"], drawings(tmp_path, "outline/inbox.svg", "filled/star.svg"))
    )

    symbols = [(symbol.get("id"), symbol.get("fill"), len(symbol)) for symbol in sheet]
    assert symbols == [("ti-inbox", "none", 1), ("ti-star-filled", "currentColor", 1)]


def test_an_unknown_icon_is_named(tmp_path: Path) -> None:
    with pytest.raises(assets.AssetError, match="no icon unicorn"):
        assets.sprite(["unicorn"], tmp_path)


def test_the_list_of_icons_may_have_remarks_and_repeats(tmp_path: Path) -> None:
    listed = tmp_path / "icons.txt"
    listed.write_text("# remark\ninbox\n\nalarm\ninbox\n", encoding="utf-8")

    assert assets.icon_names(listed) == ["alarm", "inbox"]


def test_the_lock_file_names_no_registry() -> None:
    text = (assets.CHECKOUT / "package-lock.json").read_text(encoding="utf-8")

    assert '"resolved"' not in text
    assert text.count('"integrity"') >= len(assets.COPIES)


def test_a_changed_or_missing_file_makes_the_assets_stale(tmp_path: Path) -> None:
    workshop = assets.Workshop(packages=tmp_path, icons=tmp_path / "icons.txt", vendor=tmp_path / "vendor")
    made = workshop.vendor / "a.css"
    workshop.vendor.mkdir()
    made.write_text("a", encoding="utf-8")
    digest = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    (workshop.vendor / assets.MANIFEST).write_text(f'{{"recipe": "r", "files": {{"a.css": "{digest}"}}}}')

    assert assets.is_current(workshop, "r")
    assert not assets.is_current(workshop, "another recipe")
    made.write_text("b", encoding="utf-8")
    assert not assets.is_current(workshop, "r")
    made.unlink()
    assert not assets.is_current(workshop, "r")
