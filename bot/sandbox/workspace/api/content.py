"""What a message's arguments say: text, blocks, attachments, metadata, checked by Slack's rules."""

from __future__ import annotations

import json

from bot.sandbox.workspace.calls import Call
from bot.sandbox.workspace.errors import SlackError
from bot.sandbox.workspace.limits.completion import complete_blocks
from bot.sandbox.workspace.limits.surfaces import check_attachments, check_message_blocks
from bot.sandbox.workspace.vendor import Json

_METADATA_BYTES = 16_000


def read_content(call: Call, text_high: int) -> Json:
    """{text, blocks, attachments, metadata} with only what was given; SlackError as Slack refuses."""
    content: Json = {}
    if call.arguments.get("text") is not None:
        content["text"] = call.text("text")
        if len(content["text"]) > text_high:
            raise SlackError("msg_too_long")
    blocks = call.structure("blocks", "invalid_blocks_format")
    if blocks is not None:
        check_message_blocks(blocks)
        content["blocks"] = complete_blocks(blocks, call.workspace.ids.block_id)
    attachments = call.structure("attachments", "invalid_attachments")
    if attachments is not None:
        check_attachments(attachments)
        content["attachments"] = [{"id": index, **attachment} for index, attachment in enumerate(attachments, start=1)]
    if call.arguments.get("metadata") is not None:
        content["metadata"] = _read_metadata(call)
    if not any(content.get(name) for name in ("text", "blocks", "attachments")) and "metadata" not in content:
        raise SlackError("no_text")
    return content


def _read_metadata(call: Call) -> Json:
    metadata = call.structure("metadata", "invalid_metadata_format")
    if not isinstance(metadata, dict):
        raise SlackError("invalid_metadata_format")
    if metadata and not (
        isinstance(metadata.get("event_type"), str) and isinstance(metadata.get("event_payload"), dict)
    ):
        raise SlackError("invalid_metadata_schema")
    if len(json.dumps(metadata).encode()) > _METADATA_BYTES:
        raise SlackError("metadata_too_large")
    return metadata
