"""Prose from `templates/`: rendered strictly, a missing value is an error and never a hole."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.slack.text import literal, show_time
from bot.words import show_duration


class Prose:
    """Renders templates for Slack's mrkdwn, where every value is shown as written, and for Markdown."""

    def __init__(self, folder: Path) -> None:
        self._slack = _environment(folder / "slack", _mrkdwn_value)
        self._markdown = _environment(folder, _plain_value)

    def slack(self, name: str, /, **values: object) -> str:
        """`templates/slack/<name>` as mrkdwn."""
        return self._slack.get_template(name).render(**values).strip()

    def markdown(self, name: str, /, **values: object) -> str:
        return self._markdown.get_template(name).render(**values).strip() + "\n"


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


def _environment(folder: Path, finalize: Callable[[object], object]) -> Environment:
    environment = Environment(  # noqa: S701 (neither HTML nor XML; values go through finalize)
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"duration": show_duration, "cell": _cell, "indented": _indented}
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


def _plain_value(value: object) -> object:
    if isinstance(value, Ready):
        return value
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S UTC")
    return plain_markdown(value) if isinstance(value, str) else value
