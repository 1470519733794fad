"""Elements of SVG that cannot be broken out of: every attribute and every text is escaped where it is put in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from attribution.report.drawings import markup, number
from attribution.report.layout import width_of

Value = str | float | None


def element(name: str, *children: str, **attributes: Value) -> Markup:
    """One element; `class_` is `class`, `stroke_width` is `stroke-width`, and what is None is left out.

    Children that are Markup stand as they are, other text is written as text.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    inside = "".join(child if isinstance(child, Markup) else markup(child) for child in children)
    return Markup(f"<{name}{written}>{inside}</{name}>")


def _value(value: str | float) -> str:
    return markup(value) if isinstance(value, str) else number(value)


def join(parts: Iterable[str]) -> Markup:
    """Elements one after the other; plain text among them is escaped."""
    return Markup("").join(parts)


def text(x: float, y: float, words: str, style: str, anchor: str | None = None) -> Markup:
    return element("text", words, x=x, y=y, class_=style, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, style: str) -> Markup:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=style)


def box(x: float, y: float, width: float, height: float, style: str, radius: float | None = None) -> Markup:
    return element("rect", x=x, y=y, width=max(0.0, width), height=max(0.0, height), class_=style, rx=radius)


def titled(words: str, *children: str, **attributes: Value) -> Markup:
    """A group that says in words what it is, to whoever points at it or has it read out."""
    return element("g", element("title", words), *children, **attributes)


@dataclass(frozen=True, slots=True)
class Canvas:
    """One drawing: its size, what it shows in words, and a name for its ids that no other drawing of the page has.

    `interactive`: it holds links, so it is a group and not one image.
    """

    name: str
    width: float
    height: float
    title: str
    description: str
    interactive: bool = False

    def draw(self, parts: Iterable[str], style: str, left: float = 0.0, top: float = 0.0) -> Markup:
        return element(
            "svg",
            element("title", self.title, id=f"{self.name}-title"),
            element("desc", self.description, id=f"{self.name}-description"),
            *parts,
            viewBox=" ".join(number(value) for value in (left, top, self.width, self.height)),
            class_=style,
            role="group" if self.interactive else "img",
            aria_labelledby=f"{self.name}-title",
            aria_describedby=f"{self.name}-description",
        )


def lines_of(words: str, columns: int, most: int = 2) -> list[str]:
    """A name on at most `most` lines of so many columns, broken where names have joints; what is left out is a `…`."""
    lines: list[str] = []
    rest = words
    while rest and len(lines) < most:
        if width_of(rest) <= columns:
            lines.append(rest)
            return lines
        cut = _cut(rest, columns if len(lines) + 1 < most else columns - 1)
        lines.append(rest[:cut])
        rest = rest[cut:].lstrip(" ")
    if rest and lines:
        lines[-1] = f"{lines[-1]}…"
    return lines


def _cut(words: str, columns: int) -> int:
    """How many characters fit, up to the last joint among them if there is one late enough."""
    fitting = len(words)
    while fitting > 1 and width_of(words[:fitting]) > columns:
        fitting -= 1
    joints = [place + 1 for place, character in enumerate(words[:fitting]) if character in " -_.:/"]
    return joints[-1] if joints and joints[-1] >= fitting * 0.5 else fitting
