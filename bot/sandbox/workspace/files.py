"""Files: an upload address, the bytes, and sharing into a channel (Slack's external upload flow)."""

from __future__ import annotations

import mimetypes
import secrets
from collections.abc import Sequence

from bot.sandbox.workspace import messages
from bot.sandbox.workspace.errors import SlackError
from bot.sandbox.workspace.presentation import show_file
from bot.sandbox.workspace.state import Channel, SharedFile
from bot.sandbox.workspace.vendor import Json
from bot.sandbox.workspace.workspace import Workspace

_TEXT_EXTENSIONS = {"md", "log", "sql", "yml", "yaml", "ndjson", "toml"}


def expect(workspace: Workspace, name: str, size_bytes: int, user: str, alt_text: str = "") -> SharedFile:
    """A file whose bytes are still to come."""
    file = SharedFile(
        id=workspace.ids.new("F"),
        name=name,
        title=name,
        size_bytes=size_bytes,
        user=user,
        created=workspace.now(),
        key=secrets.token_urlsafe(12),
        mimetype=guess_type(name),
        alt_text=alt_text,
    )
    workspace.state.files[file.id] = file
    return file


def guess_type(name: str) -> str:
    """The MIME type that a file's name suggests."""
    if name.rpartition(".")[2].lower() in _TEXT_EXTENSIONS:
        return "text/plain"
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def receive(file: SharedFile, content: bytes) -> None:
    """Take a file's bytes; SlackError when they are not as many as announced."""
    if len(content) != file.size_bytes:
        raise SlackError("file_upload_size_mismatch")
    file.content = content


def find(workspace: Workspace, file_id: str) -> SharedFile:
    """A complete file, or file_not_found."""
    file = workspace.state.files.get(file_id)
    if file is None or not file.is_complete:
        raise SlackError("file_not_found")
    return file


def share(
    workspace: Workspace,
    channel: Channel,
    files: Sequence[SharedFile],
    author: Json,
    text: str,
    *,
    thread_ts: str | None = None,
    blocks: list[Json] | None = None,
) -> Json:
    """Post a message that carries the files."""
    for file in files:
        file.shared_in[channel.id] = ""
    shown = [show_file(workspace, file) for file in files]
    message = messages.post(
        workspace, channel, author, text, thread_ts=thread_ts, files=shown, blocks=blocks, upload=True
    )
    for file in files:
        file.shared_in[channel.id] = message["ts"]
    return message


def delete(workspace: Workspace, file: SharedFile) -> None:
    """Remove a file and take it out of the messages that carry it."""
    del workspace.state.files[file.id]
    for channel_id, ts in file.shared_in.items():
        channel = workspace.state.channels[channel_id]
        if ts not in channel.messages:
            continue
        left = [f for f in channel.messages[ts].get("files", []) if f["id"] != file.id]
        if left or channel.messages[ts]["text"]:
            messages.change(workspace, channel, ts, {"files": left}, None)
        else:
            messages.delete(workspace, channel, ts)
