"""What people type, as Slack rewrites it: @name and #name become references, & < > are escaped."""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.sandbox.workspace.workspace import Workspace

# What a page may have put in for a name or a link. A broadcast is made by typing @channel, never by its code.
_REFERENCE = re.compile(r"<(?:(?:[@#]|!subteam\^)[^<>\s|]+(?:\|[^<>]*)?|(?:https?|mailto):[^<>\s|]+(?:\|[^<>]*)?)>")
_NAMED = re.compile(r"(?<![\w@#])([@#])([\w.-]*\w)")
_BROADCASTS = ("here", "channel", "everyone")


def rewrite_message(workspace: Workspace, text: str) -> str:
    """A typed message as Slack stores it. References that the page already made stay."""
    return _outside_references(text, lambda plain: _name(workspace, _escape(plain), with_label=False))


def rewrite_command(workspace: Workspace, text: str, *, should_escape: bool) -> str:
    """A command's text as the app gets it: references with labels when `should_escape`, else as typed."""
    if should_escape:
        labelled = _REFERENCE.sub(lambda found: _with_label(workspace, found[0]), text)
        return _outside_references(labelled, lambda plain: _name(workspace, _escape(plain), with_label=True))
    return _REFERENCE.sub(lambda found: _as_typed(workspace, found[0]), text)


def _outside_references(text: str, rewrite: Callable[[str], str]) -> str:
    parts, end = [], 0
    for found in _REFERENCE.finditer(text):
        parts += [rewrite(text[end : found.start()]), found[0]]
        end = found.end()
    return "".join([*parts, rewrite(text[end:])])


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _name(workspace: Workspace, text: str, *, with_label: bool) -> str:
    def replace(found: re.Match[str]) -> str:
        return _reference(workspace, found[1], found[2], with_label=with_label) or found[0]

    return _NAMED.sub(replace, text)


def _reference(workspace: Workspace, sign: str, name: str, *, with_label: bool) -> str:
    label = f"|{name}" if with_label else ""
    if sign == "#":
        channel = workspace.state.channel_named(name)
        return f"<#{channel.id}|{channel.name}>" if channel else ""
    user = next((u for u in workspace.state.users.values() if name in (u.name, u.real_name)), None)
    if user:
        return f"<@{user.id}{label}>"
    group = next((g for g in workspace.state.usergroups.values() if g.handle == name), None)
    if group:
        return f"<!subteam^{group.id}|@{group.handle}>"
    return f"<!{name}>" if name in _BROADCASTS else ""


def _with_label(workspace: Workspace, reference: str) -> str:
    target, _, label = reference[1:-1].partition("|")
    user = workspace.state.users.get(target[1:])
    channel = workspace.state.channels.get(target[1:])
    if not label and target.startswith("@") and user:
        return f"<{target}|{user.name}>"
    if not label and target.startswith("#") and channel:
        return f"<{target}|{channel.name}>"
    return reference


def _as_typed(workspace: Workspace, reference: str) -> str:
    target, _, label = reference[1:-1].partition("|")
    if target.startswith("@"):
        user = workspace.state.users.get(target[1:])
        return f"@{user.name}" if user else reference
    if target.startswith("#"):
        channel = workspace.state.channels.get(target[1:])
        return f"#{channel.name}" if channel else reference
    if target.startswith("!"):
        return label or f"@{target[1:]}"
    return label or target.removeprefix("mailto:")
