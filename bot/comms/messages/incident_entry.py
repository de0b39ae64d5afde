"""A change of an incident, said in its channel in the words of its timeline entry."""

from __future__ import annotations

from bot.comms.messages.subject import Message, Subject
from bot.policy.durations import format_duration
from bot.slack.blocks import parts
from bot.slack.blocks.rich import emoji, faint, lines
from bot.slack.text import cut, literal
from bot.store.tables import Incident, LedgerEntry, Notice

KIND = "incident_entry"
SIGNS = {
    "incident.status": "arrows_counterclockwise",
    "incident.severity": "chart_with_upwards_trend",
    "incident.reopened": "rotating_light",
    "incident.role": "bust_in_silhouette",
    "incident.member": "lock",
    "incident.merged": "twisted_rightwards_arrows",
    "incident.closed": "checkered_flag",
    "incident.room": "warning",
    "delivery.failed": "warning",
    "task.done": "white_check_mark",
    "task.dropped": "wastebasket",
}


def compose(notice: Notice, subject: Subject) -> Message:
    with subject.database.read() as session:
        entry = session.get_one(LedgerEntry, notice.data["seq"])
        incident = session.get_one(Incident, entry.incident_id)
        other = session.get(Incident, _name_other(entry))
    sign, who = SIGNS.get(entry.kind, "ballot_box_with_check"), subject.name(entry.actor)
    blocks = [lines([(emoji(sign), f" {cut(entry.text, 1500)} ", faint(f"— {who}"))])]
    hint = _write_hint(entry, incident, other, subject)
    if hint:
        blocks.append(parts.context(hint))
    return Message(f":{sign}: {literal(cut(entry.text, 1000))} ({who})", parts.pack(blocks))


def _name_other(entry: LedgerEntry) -> int:
    """Number of the other incident where two became one; zero otherwise."""
    return int(str(entry.data.get("into") or entry.data.get("from") or 0)) if entry.kind == "incident.merged" else 0


def _write_hint(entry: LedgerEntry, incident: Incident, other: Incident | None, subject: Subject) -> str:
    """What follows from it, and what to do."""
    if other is not None:
        where = f"<#{other.channel_id}>" if other.channel_name else f"#{other.id}"
        return f"Work goes on in {where}." if entry.data.get("into") else f"Its channel is {where}."
    if entry.kind == "delivery.failed":
        return "It is not tried again. `/incident deliveries` shows who was told; tell the others another way."
    if entry.kind == "incident.closed" and incident.channel_name:
        after = format_duration(subject.policy.slack.archive_after)
        return f"This channel is archived {after} after the last word in it. `/incident reopen REASON` goes on with it."
    return ""
