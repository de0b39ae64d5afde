"""The form that lets a draft out to the public: what will go out, to whom, and every word of it open to change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slack_sdk.models.blocks import Block

from bot.slack.blocks import parts
from bot.slack.text import cut, literal
from bot.slack.views.forms import choice, fits, modal, text_input
from bot.store.tables import Bulletin

PUBLISH = "bulletin.publish"
COMPONENT = "component:"
"""What the block_id of a component begins with; its key follows."""
COMPONENTS = (60, 30, 15)
"""Of Slack's hundred blocks, and fewer where the form would be too large; those that are affected come first."""
REACH_SHOWN, REFUSAL_SHOWN = 1500, 300
SHOWN = 3000
"""What Slack's input takes; what is longer is cut, and the person sees that before it goes out."""


def publish_form(
    bulletin: Bulletin, *, reach: Sequence[str], titles: Mapping[str, str], states: Mapping[str, str], refusal: str = ""
) -> dict[str, Any]:
    """`reach`: each audience and how it is told; `titles` of the components and `states` they may be in, by key.

    `refusal`: why this person may look and not publish; empty for those who may.
    """
    views = (_show(bulletin, reach, titles, states, refusal, most) for most in COMPONENTS)
    return next(view for view in views if fits(view))


def _show(
    bulletin: Bulletin, reach: Sequence[str], titles: Mapping[str, str], states: Mapping[str, str], refusal: str,
    most: int,
) -> dict[str, Any]:  # fmt: skip
    blocks = [*_list_blocks(bulletin, reach, refusal), *_list_components(bulletin, titles, states, most)]
    title, metadata = f"Publish about #{bulletin.incident_id}", {"bulletin": bulletin.id}
    return modal(PUBLISH, title, blocks, submit="Publish", metadata=metadata)


def _list_blocks(bulletin: Bulletin, reach: Sequence[str], refusal: str) -> Iterator[Block]:
    said = bulletin.statement
    goes_to = "\n".join(f"• {literal(one)}" for one in reach) or "• nobody"
    yield parts.marked(f":loudspeaker: *This goes out to*\n{cut(goes_to, REACH_SHOWN)}")
    yield parts.context(f"Status: *{said.status}*. What stands here is public once you press Publish.")
    if refusal:
        yield parts.marked(f":no_entry_sign: {literal(cut(refusal, REFUSAL_SHOWN))}")
    yield text_input("title", "Title", initial=said.title, max_length=200)
    yield text_input("text", "Current status", initial=cut(said.text, SHOWN), multiline=True)
    yield text_input("impact", "Impact", initial=cut(said.impact, SHOWN), multiline=True, optional=True)
    yield text_input("next_steps", "Next steps", initial=cut(said.next_steps, SHOWN), multiline=True, optional=True)
    yield text_input(
        "estimated_recovery", "Estimated recovery", initial=cut(said.estimated_recovery, 200), optional=True,
        max_length=200, placeholder="14:30 UTC",
    )  # fmt: skip


def _list_components(
    bulletin: Bulletin, titles: Mapping[str, str], states: Mapping[str, str], most: int
) -> Iterator[Block]:
    chosen = bulletin.statement.components
    if bulletin.stage == "resolved":
        names = ", ".join(titles.get(key, key) for key in chosen)
        yield parts.marked(
            f"*Back to operational:* {literal(names)}" if names else "No component was said to be affected."
        )
        return
    first, *_ = states
    for key in sorted(titles, key=lambda one: one not in chosen)[:most]:
        state = chosen.get(key, first)
        yield choice(f"{COMPONENT}{key}", titles[key][:150], list(states.items()), initial=state)
