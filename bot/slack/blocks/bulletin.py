"""A bulletin as it is shown in Slack: to those who are told, and as a draft to those who publish."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from slack_sdk.models.blocks import Block

from bot.slack.blocks import parts
from bot.slack.text import cut, literal, show_duration, show_time
from bot.store.tables import Bulletin

TEXT_SHOWN = 1500
FIELD_SHOWN = 300


def title_of(bulletin: Bulletin, product: str) -> str:
    """The subject line of the document's template, plain text."""
    said = bulletin.statement
    kind = "DRILL" if said.drill else "RESOLVED" if bulletin.stage == "resolved" else "INCIDENT"
    return f"[{kind}] {product} - {said.severity}-{said.severity_title} - {said.title}"


def show_bulletin(bulletin: Bulletin, product: str, components: Mapping[str, str]) -> Iterator[Block]:
    """`components`: titles by key."""
    said = bulletin.statement
    over = bulletin.stage == "resolved"
    unknown = "not known" if over else "not known yet"
    affected = ", ".join(components.get(key, key) for key in said.components) or unknown
    recovery = ("Estimated recovery", literal(cut(said.estimated_recovery or unknown, FIELD_SHOWN)))
    lasted = ("Lasted", show_duration(said.at - said.detected_at))
    yield parts.header(title_of(bulletin, product))
    yield parts.fields(
        [
            ("Status", literal(said.status.capitalize())),
            ("Detected", show_time(said.detected_at)),
            ("Impact while it lasted" if over else "Impact", literal(cut(said.impact or unknown, FIELD_SHOWN))),
            ("Affected components", literal(cut(affected, FIELD_SHOWN))),
            lasted if over else recovery,
            ("DR Coordinator", literal(said.coordinator or ("nobody" if over else "not assigned yet"))),
        ]
    )
    yield parts.marked("*Current status*")
    yield parts.words(said.text, TEXT_SHOWN)
    if said.next_steps:
        yield parts.marked("*Next steps*")
        yield parts.words(said.next_steps, TEXT_SHOWN)
    yield parts.context(f"As of {show_time(said.at)}")


def show_draft(bulletin: Bulletin, *, whom: list[str], publishers: list[str], decided_by: str) -> Iterator[Block]:
    """Whom it is for, what it says, and the buttons while it waits."""
    audience = literal(", ".join(whom)) or "the public"
    if bulletin.state == "published":
        yield parts.marked(f":loudspeaker: *Published* to {audience} by {decided_by or 'Holdfast'}")
    elif bulletin.state == "discarded":
        yield parts.marked(
            f":wastebasket: *Not published* to {audience}, "
            + (f"as {decided_by} decided" if decided_by else "since something newer took its place")
        )
    else:
        yield parts.marked(f":pencil: *Draft for {audience}.* Nothing has gone out yet.")
    yield parts.words(bulletin.statement.text, TEXT_SHOWN)
    if bulletin.state == "draft":
        value = {"bulletin": bulletin.id}
        yield parts.actions(
            [
                parts.button("Preview and publish…", "bulletin.preview", value, "primary"),
                parts.button("Do not publish", "bulletin.discard", value),
            ]
        )
        yield parts.context(f"May be published by: {literal(', '.join(publishers))}")
