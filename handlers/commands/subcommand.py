"""What a subcommand is, how it is found, and how help is written from it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import ModuleType

from bot.incidents.text import known_word
from bot.slack.text import escape, unescape, unsmart
from handlers.request import Reply, Request


@dataclass(frozen=True)
class Subcommand:
    """`usage` is what follows the command, `who` says in words who may; the services enforce it."""

    name: str
    usage: str
    purpose: str
    handle: Callable[[Request], Reply]
    who: str = "everybody in the policy"


@cache
def find_subcommands(package_name: str) -> dict[str, Subcommand]:
    """Every file of the package with a `SUBCOMMAND`, by name."""
    package: ModuleType = importlib.import_module(package_name)
    modules = [
        importlib.import_module(f"{package_name}.{info.name}") for info in pkgutil.iter_modules(package.__path__)
    ]
    found: list[Subcommand] = [module.SUBCOMMAND for module in modules if hasattr(module, "SUBCOMMAND")]
    return {one.name: one for one in found}


def split_words(text: str) -> tuple[str, str]:
    """First word in lower case, and the rest as typed: quotes straight, names and links unescaped."""
    typed = unsmart(unescape(text)).strip()
    word, rest = split_first(typed)
    return word.lower(), rest


def split_first(text: str) -> tuple[str, str]:
    """The first word and what follows it, line breaks kept; what is missing is empty."""
    word, *rest = text.split(maxsplit=1) or [""]
    return word, rest[0] if rest else ""


def choose(command: str, package_name: str, word: str) -> Subcommand:
    """Raises `Refused` for an unknown word, naming the nearest."""
    subcommands = find_subcommands(package_name)
    example = f"`{command} {next(iter(subcommands))}`"
    return subcommands[known_word(word, tuple(subcommands), f"part of {command}", example)]


def write_help(command: str, package_name: str) -> str:
    """One line for each subcommand."""
    lines = [
        f"`{escape(f'{command} {one.usage}')}`  {one.purpose}"
        + (f" _({one.who})_" if one.who != Subcommand.who else "")
        for one in find_subcommands(package_name).values()
    ]
    return "\n".join(lines)
