"""Messages as the page shows them: files get a preview and an address that needs no token."""

from __future__ import annotations

from bot.sandbox.workspace.state import SharedFile
from bot.sandbox.workspace.vendor import Json
from bot.sandbox.workspace.workspace import Workspace

_PREVIEW_CHARACTERS = 2000
_TEXTUAL = ("text/", "application/json", "application/xml", "application/x-yaml", "application/yaml")


def show_for_page(workspace: Workspace, message: Json) -> Json:
    """Slack's message object with files that a browser can open."""
    if not message.get("files"):
        return message
    files = [_enrich(workspace, file) for file in message["files"]]
    return {**message, "files": files}


def _enrich(workspace: Workspace, shown: Json) -> Json:
    file = workspace.state.files.get(shown["id"])
    if file is None:
        return shown
    address = f"{shown['url_private']}?key={file.key}"
    extra: Json = {"url_private": address, "permalink": address}
    if file.mimetype.startswith("image/"):
        extra["thumb"] = address
    preview = _preview(file)
    if preview:
        extra["preview"] = preview
    return {**shown, **extra}


def _preview(file: SharedFile) -> str:
    if file.content is None or not file.mimetype.startswith(_TEXTUAL):
        return ""
    return file.content[: _PREVIEW_CHARACTERS * 4].decode("utf-8", errors="replace")[:_PREVIEW_CHARACTERS]
