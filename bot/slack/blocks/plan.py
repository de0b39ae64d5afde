"""A plan and its approval: what a person at a phone at three in the morning must see before pressing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import JsonValue
from slack_sdk.models.blocks import Block

from bot.slack.blocks import parts
from bot.slack.text import code, literal, show_duration, show_time, strong
from bot.store.documents import PlanDocument, Prediction
from bot.store.tables import Plan

RISK_SIGNS = {"low": ":large_green_circle:", "high": ":large_orange_circle:", "destructive": ":red_circle:"}
HEADINGS = {"pending": "approval needed", "preview": "what it would do"}
ENDINGS = {
    "preview": ":mag: Only to be read; nothing runs",
    "approved": ":white_check_mark: Approved",
    "denied": ":no_entry: Denied",
    "expired": ":alarm_clock: Expired without enough approvals",
    "void": ":warning: Void",
    "refused": ":no_entry_sign: No plan could be made",
    "needless": ":white_check_mark: Nothing to do",
}


@dataclass(frozen=True)
class Seats:
    """Who has decided and who still may, as names for mrkdwn."""

    quorum: int
    approved: list[str]
    denied: list[str]
    may_approve: list[str]
    lapsed: list[str] = field(default_factory=list)
    """Whose approval does not count any more."""
    alone: list[str] = field(default_factory=list)
    """Who broke the glass, and why."""
    blackout: str = ""
    """Why no run may start now, and until when; empty when it may."""
    may_break_glass: bool = False


def show_plan(plan: Plan, seats: Seats, who: str) -> Iterator[Block]:
    """The approval request, or what became of it."""
    document = plan.document
    if document is None:
        yield from _show_making(plan, who)
        return
    if seats.quorum == 0 and plan.state in ("pending", "approved"):
        yield parts.context(f"Needs no approval. {_origin(plan, document, who)}")
        return
    yield parts.header(f"{document.title}: {HEADINGS.get(plan.state, plan.state)}")
    yield parts.fields(show_figures(document))
    yield parts.marked(f":leftwards_arrow_with_hook: *Way back*  {literal(document.way_back)}")
    if document.notes:
        yield parts.marked("\n".join(f"• {literal(note)}" for note in document.notes))
    if document.steps:
        yield parts.context(" → ".join(literal(step.title) for step in document.steps))
    yield parts.marked(_standing(plan, seats))
    if plan.state == "pending":
        yield parts.actions(_decisions(plan, seats))
    elif plan.state == "preview":
        yield parts.actions([parts.button("Ask for approval", "plan.request", {"plan": plan.id})])
    yield parts.context(_origin(plan, document, who))


def show_broken_glass(plan: Plan, name: str, reason: str, run_id: int | None) -> Iterator[Block]:
    """What everybody must know when one person started a plan alone."""
    title = plan.document.title if plan.document else plan.action
    yield parts.header("The glass was broken")
    yield parts.marked(f":rotating_light: {name} started {strong(title)} alone, without the others' approval.")
    yield parts.words(f"Reason: {reason}")
    if plan.document:
        yield parts.fields(show_figures(plan.document))
    stop = f"`/dr cancel {run_id}` stops it; its" if run_id else "Its"
    yield parts.context(f"Plan {plan.id}. {stop} requester and approvers may. The post-mortem will ask about it.")


def show_in_full(plan: Plan, document: PlanDocument) -> Iterator[Block]:
    """Everything that the hash covers."""
    yield parts.marked(f"{strong(document.title)}  plan {plan.id}, hash `{plan.hash}`")
    yield parts.fields(show_figures(document))
    steps = "\n".join(f"{number}. {literal(step.title)}" for number, step in enumerate(document.steps, 1))
    yield parts.marked(f"*Steps*\n{steps}")
    yield parts.marked(f"*Way back*\n{literal(document.way_back)}")
    observed = "\n".join(f"{name}: {value}" for name, value in document.observed.items())
    yield parts.marked(f"*Observed*\n{code(observed[:2500])}")
    given = "\n".join(f"{name}: {value}" for name, value in document.parameters.items())
    yield parts.marked(f"*Parameters*\n{code(given[:1000] or 'none')}")


def show_figures(document: PlanDocument) -> list[tuple[str, str]]:
    """What a presser weighs, as labels and values."""
    back_to = [("Back to", show_time(document.back_to))] if document.back_to else []
    return [
        ("Target", literal(document.target)),
        ("Risk", f"{RISK_SIGNS[document.risk]} {document.risk}"),
        ("Data lost", literal(document.loss.words)),
        ("Downtime", _predicted(document.downtime)),
        ("Takes about", _predicted(document.duration)),
        *back_to,
    ]


def _predicted(prediction: Prediction) -> str:
    if prediction.seconds is None:
        return literal(prediction.source)
    return f"{show_duration(prediction.seconds)} ({literal(prediction.source)})"


def _show_making(plan: Plan, who: str) -> Iterator[Block]:
    if plan.state == "making":
        yield parts.marked(f":hourglass_flowing_sand: Making a plan: {_action(plan)}, asked by {who}…")
        return
    yield parts.marked(f"{ENDINGS.get(plan.state, plan.state)}: {_action(plan)}\n{literal(plan.reason)}")
    yield parts.context(f"Plan {plan.id}, asked by {who}. Nothing was changed.")


def _standing(plan: Plan, seats: Seats) -> str:
    lines = [f":white_check_mark: approved by {name}" for name in seats.approved]
    lines += [f":rotating_light: *started alone* by {words}" for words in seats.alone]
    lines += [f":no_entry: denied by {name}" for name in seats.denied]
    lines += [f":heavy_minus_sign: {name} may not approve any more; it does not count" for name in seats.lapsed]
    missing = seats.quorum - len(seats.approved)
    if plan.state == "pending" and plan.expires_at:
        lines.append(
            f":hourglass_flowing_sand: *{missing} more approval{'s' if missing != 1 else ''} needed* "
            f"of {', '.join(seats.may_approve) or 'nobody who is left'}, until {show_time(plan.expires_at)}"
        )
        if seats.blackout:
            lines.append(f":no_entry_sign: *No run may start now*: {seats.blackout}. Approve it after that.")
    elif plan.state != "pending":
        reason = f": {literal(plan.reason)}" if plan.reason else ""
        lines.append(f"*{ENDINGS.get(plan.state, plan.state)}*{reason}")
    return "\n".join(lines)


def _decisions(plan: Plan, seats: Seats) -> list[parts.ButtonElement]:
    value: dict[str, JsonValue] = {"plan": plan.id, "hash": plan.hash}
    glass = [parts.button("Break glass…", "plan.break_glass", value)] if seats.may_break_glass else []
    return [
        parts.button("Approve…", "plan.approve", value, "primary"),
        parts.button("Deny", "plan.deny", value, "danger"),
        parts.button("Whole plan", "plan.show", value),
        *glass,
    ]


def _origin(plan: Plan, document: PlanDocument, who: str) -> str:
    asked = f"asked by {who} {show_time(plan.created_at)}"
    return f"Plan {plan.id}, {literal(document.title)} · {asked} · hash `{plan.hash[:12]}`"


def _action(plan: Plan) -> str:
    return strong(plan.action.replace("_", " "))
