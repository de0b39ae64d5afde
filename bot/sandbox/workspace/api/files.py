"""files.*"""

from __future__ import annotations

from bot.sandbox.workspace import files, messages
from bot.sandbox.workspace.calls import Call, method
from bot.sandbox.workspace.errors import SlackError
from bot.sandbox.workspace.limits.completion import complete_blocks
from bot.sandbox.workspace.limits.surfaces import check_message_blocks
from bot.sandbox.workspace.presentation import show_file
from bot.sandbox.workspace.rates import Tier
from bot.sandbox.workspace.state import Channel, SharedFile
from bot.sandbox.workspace.vendor import Json

_LARGEST_BYTES = 1_000_000_000
_LONGEST_ALT_TEXT = 1_000


@method("files.getUploadURLExternal", Tier.FOUR, ("files:write",))
def get_upload_url(call: Call) -> Json:
    """Where to send a file's bytes."""
    name = call.required("filename")
    size_bytes = call.integer("length", 0)
    if size_bytes <= 0:
        raise SlackError("invalid_arguments", ["[ERROR] must be greater than 0: length"])
    if size_bytes > _LARGEST_BYTES:
        raise SlackError("file_too_large")
    if len(call.text("alt_txt")) > _LONGEST_ALT_TEXT:
        raise SlackError("alt_txt_too_large")
    file = files.expect(call.workspace, name, size_bytes, call.caller, call.text("alt_txt"))
    return {"upload_url": f"{call.workspace.base_url}/upload/v1/{file.id}/{file.key}", "file_id": file.id}


@method("files.completeUploadExternal", Tier.FOUR, ("files:write",))
def complete_upload(call: Call) -> Json:
    """Make uploaded files real, and share them where a channel is named."""
    entries = call.structure("files")
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise SlackError("invalid_arguments", ["[ERROR] missing required field: files"])
    uploaded = [_uploaded(call, entry) for entry in entries]
    channels = _channels(call)
    for file in uploaded:
        file.is_complete = True
    for channel in channels:
        blocks = call.structure("blocks", "invalid_blocks_format")
        if blocks:
            check_message_blocks(blocks)
            blocks = complete_blocks(blocks, call.workspace.ids.block_id)
        files.share(
            call.workspace,
            channel,
            uploaded,
            messages.app_author(call.workspace),
            call.text("initial_comment"),
            thread_ts=call.text("thread_ts") or None,
            blocks=blocks,
        )
    return {"files": [show_file(call.workspace, file) for file in uploaded]}


@method("files.info", Tier.FOUR, ("files:read",))
def info(call: Call) -> Json:
    """One file."""
    file = files.find(call.workspace, call.text("file"))
    return {"file": show_file(call.workspace, file), "comments": [], "response_metadata": {"next_cursor": ""}}


@method("files.list", Tier.THREE, ("files:read",))
def list_files(call: Call) -> Json:
    """Files, newest first, by channel or user, in numbered pages."""
    found = [file for file in reversed(call.workspace.state.files.values()) if file.is_complete]
    if call.text("channel"):
        channel = call.channel()
        found = [file for file in found if channel.id in file.shared_in]
    if call.text("user"):
        found = [file for file in found if file.user == call.text("user")]
    count, number = max(1, call.integer("count", 100)), max(1, call.integer("page", 1))
    shown = found[(number - 1) * count : number * count]
    return {
        "files": [show_file(call.workspace, file) for file in shown],
        "paging": {
            "count": count,
            "total": len(found),
            "page": number,
            "pages": -(-len(found) // count),
        },
    }


@method("files.delete", Tier.THREE, ("files:write",))
def delete(call: Call) -> Json:
    """Delete one of the app's files."""
    file = files.find(call.workspace, call.text("file"))
    if file.user != call.caller:
        raise SlackError("cant_delete_file")
    files.delete(call.workspace, file)
    return {}


def _uploaded(call: Call, entry: Json) -> SharedFile:
    file = call.workspace.state.files.get(str(entry.get("id")))
    if file is None or file.content is None:
        raise SlackError("file_not_found")
    file.title = str(entry.get("title") or file.name)
    return file


def _channels(call: Call) -> list[Channel]:
    wanted = call.names("channels") or [c for c in [call.text("channel_id")] if c]
    found = [call.workspace.state.channels.get(channel_id) for channel_id in wanted]
    for channel in found:
        if channel is None or not channel.visible_to(call.caller):
            raise SlackError("invalid_channel")
        if channel.is_archived or call.caller not in channel.members:
            raise SlackError("is_archived" if channel.is_archived else "not_in_channel")
    return [channel for channel in found if channel]
