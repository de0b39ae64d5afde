"""Prose from `templates/`: rendered strictly, a missing value is an error and never a hole.

The operator's own folder comes first: a file there takes the place of the one of the same path here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from bot.slack.text import literal, show_time, strong
from bot.words import show_duration


class Prose:
    """Renders templates for Slack's mrkdwn, where every value is shown as written, for Markdown, text and HTML."""

    def __init__(self, folder: Path, own: Path | None = None) -> None:
        """`own`: the operator's folder, laid out like `folder`; may hold any of its files."""
        self.folders = tuple(one for one in (own, folder) if one is not None)
        self._slack = _environment(tuple(one / "slack" for one in self.folders), _mrkdwn_value)
        self._slack.filters["strong"] = lambda text: Ready(strong(text))
        self._markdown = _environment(self.folders, _markdown_value)
        self._plain = _environment(self.folders, _plain_value)
        self._html = _environment(self.folders, _plain_value, autoescape=True)

    def slack(self, name: str, /, **values: object) -> str:
        """`templates/slack/<name>` as mrkdwn."""
        return self._slack.get_template(name).render(**values).strip()

    def markdown(self, name: str, /, **values: object) -> str:
        """`templates/<name>` as Markdown."""
        return self._markdown.get_template(name).render(**values).strip() + "\n"

    def plain(self, name: str, /, **values: object) -> str:
        """`templates/<name>` as plain text: values as they were written."""
        return self._plain.get_template(name).render(**values).strip() + "\n"

    def line(self, name: str, /, **values: object) -> str:
        """`templates/<name>` as one line of plain text, for subjects."""
        return " ".join(self.plain(name, **values).split())

    def html(self, name: str, /, **values: object) -> str:
        """`templates/<name>` as HTML: every value is escaped."""
        return self._html.get_template(name).render(**values).strip() + "\n"

    def render(self, name: str, /, **values: object) -> str:
        """Whatever `templates/<name>` is, by where it stands and how it ends."""
        if name.startswith("slack/"):
            return self.slack(name.removeprefix("slack/"), **values)
        if name.endswith(".html"):
            return self.html(name, **values)
        return self.markdown(name, **values) if name.endswith(".md") else self.plain(name, **values)


class Ready(str):
    """Text that is marked up already."""


MARKDOWN_SIGNS = re.compile(r"[\\`*\[<]|(?<!\w)_|_(?!\w)")
MARKDOWN_LINE_STARTS = re.compile(
    r"^(\s*)(?=#{1,6}(?:\s|$)|>|[+-](?:\s|$)|[=-]+\s*$)|^(\s*\d+)(?=[.)](?:\s|$))", re.MULTILINE
)


def plain_markdown(text: str) -> Ready:
    """Text that Markdown shows as it was written."""
    shown = MARKDOWN_SIGNS.sub(lambda sign: f"\\{sign.group()}", text)
    return Ready(MARKDOWN_LINE_STARTS.sub(lambda start: f"{start.group()}\\", shown))


@cache
def _environment(
    folders: tuple[Path, ...], finalize: Callable[[object], object], *, autoescape: bool = False
) -> Environment:
    """One for all that read the same folders: a template is compiled once, and again when its file has changed."""
    environment = Environment(
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
        autoescape=autoescape,  # noqa: S701 (on for HTML; the values of all else go through finalize)
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"duration": show_duration, "cell": _cell, "indented": _indented, "breaks": _breaks}
    return environment


def _cell(text: str) -> Ready:
    """For a cell of a Markdown table."""
    return Ready(plain_markdown(" ".join(text.split())).replace("|", "\\|"))


def _indented(text: str) -> Ready:
    """For an item of a Markdown list: later lines stay inside it."""
    return Ready(plain_markdown(text).replace("\n", "\n  "))


def _mrkdwn_value(value: object) -> object:
    if isinstance(value, Ready):
        return value
    if isinstance(value, datetime):
        return show_time(value)
    return literal(value) if isinstance(value, str) else value


def _markdown_value(value: object) -> object:
    return plain_markdown(value) if isinstance(value, str) and not isinstance(value, Ready) else _plain_value(value)


def _plain_value(value: object) -> object:
    return value.strftime("%Y-%m-%d %H:%M:%S UTC") if isinstance(value, datetime) else value


def _breaks(text: str) -> Markup:
    """For HTML: the lines of a text, escaped."""
    return Markup("<br>").join(escape(line) for line in text.splitlines())
