"""Templates are tried before they are needed: each is rendered with samples at start, the operator's own too.

Beside the templates lies `samples.yml`: for each file the values that it is given, in a few typical cases. It is also
where somebody who writes a template of their own sees what there is.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from jinja2 import TemplateSyntaxError

from bot.comms.prose import Prose
from bot.policy.plain_yaml import load_plain
from bot.settings import SettingsError, templates_dir

SURFACES = ("email", "maintenance", "postmortem", "slack", "sms", "teams")
"""Folders of `templates/` that `Prose` renders."""
SAMPLES = "samples.yml"
ENDINGS = (".txt", ".html", ".md")
Values = dict[str, Any]


class TemplateRefused(SettingsError):
    """A template cannot be used; the message names the file and the line."""

    def __init__(self, words: str) -> None:
        Exception.__init__(self, words)
        self.name = "HOLDFAST_TEMPLATES"


def list_templates() -> list[str]:
    """Every template by its path below `templates/`."""
    root = templates_dir()
    files = (path for surface in SURFACES for path in (root / surface).rglob("*") if path.suffix in ENDINGS)
    return sorted(path.relative_to(root).as_posix() for path in files)


def list_samples(name: str) -> list[Values]:
    """The values that a template is tried with; empty where its folder has none for it."""
    path = PurePosixPath(name)
    return [{**_functions(), **values} for values in _read_samples(path.parent.as_posix()).get(path.name, [])]


def check_templates(prose: Prose, own: Path | None = None) -> None:
    """Render every template with every sample. Raises `TemplateRefused` for the first that fails."""
    known = list_templates()
    for stranger in _list_strangers(own, known):
        raise TemplateRefused(f"{stranger} takes the place of no template; there are: {', '.join(known)}")
    for name in known:
        for values in list_samples(name):
            check_template(prose, name, values)


def check_template(prose: Prose, name: str, values: Values) -> str:
    """The template with these values. Raises `TemplateRefused`."""
    try:
        return prose.render(name, **values)
    except Exception as error:  # a template may raise anything that Python can
        raise TemplateRefused(_describe(prose, name, error)) from error


def _list_strangers(own: Path | None, known: list[str]) -> Iterator[Path]:
    """Files of the operator's that would never be used: a name mistyped would else look like one that works."""
    for path in sorted(own.rglob("*")) if own else ():
        if path.suffix in ENDINGS and path.relative_to(own or path).as_posix() not in known:
            yield path


def _describe(prose: Prose, name: str, error: Exception) -> str:
    if isinstance(error, TemplateSyntaxError):
        return f"{error.filename or name}, line {error.lineno}: {error.message}"
    folders = tuple(str(folder) for folder in prose.folders)
    places = [one for one in traceback.extract_tb(error.__traceback__) if one.filename.startswith(folders)]
    where = f"{places[-1].filename}, line {places[-1].lineno}" if places else name
    return f"{where}: {error} ({type(error).__name__})"


def _functions() -> Values:
    """What templates are given besides plain values."""
    return {"name": str.capitalize}


@cache
def _read_samples(folder: str) -> dict[str, list[Values]]:
    path = templates_dir() / folder / SAMPLES
    return load_plain(path) if path.exists() else {}
