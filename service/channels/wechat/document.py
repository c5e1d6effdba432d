"""Untrusted XML: cleaned, then read without DTD, entities or depth. Pure, and it never trusts what it reads."""

import re
from dataclasses import dataclass, field
from xml.parsers import expat

MAX_NODES = 2000  # a push has about ten; an article receipt some dozens
MAX_DEPTH = 12
ROWS = {"List", "item"}  # how the platform writes a list: siblings of one of these names

# everything outside the Char production of XML 1.0; Python's own lone surrogates are among it
LEGAL = "\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff"
ILLEGAL = re.compile(f"[^{LEGAL}]")
# what would become the end of a section once these are gone: a follower could write nodes of a push behind it
HIDDEN_END = re.compile(rf"\](?:[^{LEGAL}]+\][^{LEGAL}]*|\][^{LEGAL}]+)>")


class DocumentError(Exception):
    """Not a document that a push may be. `reason` names no content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class Document:
    """The text of each node right below the root, and of the first node of each name further down.

    `rows`: what stands below each `List` or `item`, in the order in which these end.
    """

    top: dict[str, str] = field(default_factory=dict)
    nested: dict[str, str] = field(default_factory=dict)
    rows: list[dict[str, str]] = field(default_factory=list)


def cleaned(body: bytes | str) -> str:
    """The text without what XML 1.0 cannot hold; users do type control characters, and one would spoil the document."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    return legal(HIDDEN_END.sub("]]]]><![CDATA[>", text)).lstrip("\ufeff \t\r\n")


def legal(text: str) -> str:
    """The text without characters that no XML may hold."""
    return ILLEGAL.sub("", text)


def read(text: str) -> Document:
    """Read `<xml>…</xml>`. Raises DocumentError: not XML, another root, a DTD, a node twice, too many nodes."""
    reader = _Reader()
    try:
        reader.parser.Parse(text, True)
    except expat.ExpatError as error:
        raise DocumentError("not well-formed") from error
    except ValueError as error:  # a NUL, or an encoding that the parser does not know
        raise DocumentError("unreadable") from error
    return reader.document


class _Reader:
    """Collects the text of leaves; refuses everything that makes an XML parser dangerous."""

    def __init__(self) -> None:
        self.document = Document()
        self.parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._refuse_dtd
        self._depth = 0
        self._nodes = 0
        self._text: list[str] = []
        self._open_rows: list[dict[str, str]] = []

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        self._depth += 1
        self._nodes += 1
        if self._depth == 1 and name != "xml":
            raise DocumentError("another root than xml")
        if self._depth > MAX_DEPTH or self._nodes > MAX_NODES:
            raise DocumentError("too many nodes")
        if self._depth == 2:
            if name in self.document.top:
                raise DocumentError("a node stands twice")
            self.document.top[name] = ""
        if self._depth > 2 and name in ROWS:
            self._open_rows.append({})
        self._text = []

    def _end(self, name: str) -> None:
        if self._depth == 2:
            self.document.top[name] = "".join(self._text)
        elif self._depth > 2 and name in ROWS:
            self.document.rows.append(self._open_rows.pop())
        elif self._depth > 2:
            text = "".join(self._text)
            self.document.nested.setdefault(name, text)
            if self._open_rows:
                self._open_rows[-1].setdefault(name, text)
        self._depth -= 1
        self._text = []

    def _characters(self, text: str) -> None:
        self._text.append(text)

    def _refuse_dtd(self, *_declaration: object) -> None:
        raise DocumentError("a DTD")
