"""Alerts as they are shown: the card of a group, the list, and what is said when all is well again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from slack_sdk.models.blocks import Block
from slack_sdk.models.blocks.block_elements import RichTextElement, RichTextElementParts

from bot.slack.blocks import parts
from bot.slack.blocks.rich import Piece, bold, emoji, faint, lines, when
from bot.slack.text import cut, literal, show_time
from bot.store.tables import Alert, AlertGroup

NEWEST = 3
LABELS_SHOWN = 6
LABEL_SHOWN = 60
TEXT_SHOWN = 300
FIRING, RESOLVED, MUTED = "rotating_light", "white_check_mark", "no_bell"


@dataclass(frozen=True)
class Care:
    """What has become of a group: whether somebody sees to it, and where; until when it is muted, and by whom.

    `where` and `muted_by` are mrkdwn; `where` is empty where not everybody may know.
    """

    seen_to: bool = False
    where: str = ""
    muted_until: datetime | None = None
    muted_by: str = ""


def show_card(group: AlertGroup, newest: Sequence[Alert], counts: Mapping[str, int], care: Care) -> Iterator[Block]:
    """The one message of a group; it follows its alerts."""
    firing, resolved = counts.get("firing", 0), counts.get("resolved", 0)
    yield parts.header(cut(group.title, 150))
    state = f":{FIRING}: {firing} firing" if firing else f":{RESOLVED}: All resolved"
    since = ("Since", show_time(group.opened_at))
    yield parts.fields([("State", f"{state}, {resolved} resolved" if firing else state), since])
    yield lines([row for alert in newest[:NEWEST] for row in _show_alert(alert)])
    more = firing + resolved - len(newest[:NEWEST])
    if more > 0:
        yield parts.context(f"and {more} more alerts; `/incident alerts` lists the groups.")
    if care.seen_to:
        yield parts.marked(f":fire_engine: {care.where}" if care.where else ":fire_engine: Somebody sees to it.")
    if care.muted_until:
        yield parts.marked(f":{MUTED}: Muted until {show_time(care.muted_until)} by {care.muted_by}")
    yield parts.actions(_buttons(group, care))


def _show_alert(alert: Alert) -> Iterator[Sequence[Piece]]:
    sign = emoji(FIRING if alert.state == "firing" else RESOLVED)
    yield (sign, " ", _titled(alert), "  ", when(alert.resolved_at or alert.began_at), faint(f" {alert.source}"))
    if alert.text:
        yield (cut(" ".join(alert.text.split()), TEXT_SHOWN),)
    labels = [f"{name}={value}" for name, value in alert.labels.items()]
    if labels:
        yield (faint(" · ".join(cut(label, LABEL_SHOWN) for label in labels[:LABELS_SHOWN])),)


def _titled(alert: Alert) -> RichTextElement:
    if not alert.link:
        return bold(alert.title)
    return RichTextElementParts.Link(url=alert.link, text=alert.title, style=RichTextElementParts.TextStyle(bold=True))


def _buttons(group: AlertGroup, care: Care) -> list[parts.ButtonElement]:
    value = {"group": group.id}
    quiet = (
        parts.button("Unmute", "alerts.unmute", value)
        if care.muted_until
        else parts.button("Mute…", "alerts.mute", value)
    )
    if care.seen_to:
        return [quiet]
    return [
        parts.button("Declare…", "alerts.declare", value, "primary"),
        parts.button("Attach to #…", "alerts.attach", value),
        quiet,
    ]


def show_groups(rows: Sequence[tuple[AlertGroup, Mapping[str, int], str]], now: datetime) -> Iterator[Block]:
    """Groups with how many of their alerts are in which state, and what became of them in words."""
    if not rows:
        yield parts.marked(f":{RESOLVED}: No alert is firing. `/incident alerts all` shows the recent ones.")
        return
    shown: list[Sequence[Piece]] = []
    for group, counts, became in rows:
        sign = RESOLVED if group.closed_at else MUTED if group.muted_until and group.muted_until > now else FIRING
        shown.append((emoji(sign), " ", bold(f"{group.id}  {cut(group.title, 150)}")))
        numbers = f"{counts.get('firing', 0)} firing, {counts.get('resolved', 0)} resolved · since "
        shown.append((numbers, when(group.opened_at), f" · {became}" if became else ""))
    yield lines(shown)


def show_all_resolved(prose: str, incident_id: int) -> Iterator[Block]:
    """To the incident's channel: it may be over, which people decide."""
    yield parts.marked(prose)
    value = {"incident": incident_id}
    yield parts.actions(
        [
            parts.button("Resolve", "incident.resolve", value),
            parts.button("Post an update", "incident.update", value),
        ]
    )


def name_group(group: AlertGroup) -> str:
    """For mrkdwn."""
    return f"“{literal(group.title)}”"
