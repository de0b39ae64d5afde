"""Forms of recovery: choosing a backup, approving a plan."""

from __future__ import annotations

from typing import Any

from pydantic import JsonValue

from bot.slack.blocks import parts
from bot.slack.blocks.plan import show_in_full
from bot.slack.text import literal, strong
from bot.slack.views.forms import choice, modal, text_input
from bot.store.documents import PlanDocument
from bot.store.tables import Plan

RESTORE, APPROVE, SHOW = "recovery.restore", "recovery.approve", "recovery.show"


def restore_loading(database: str) -> dict[str, Any]:
    """Opened at once, since Slack's trigger lives three seconds; the backups follow."""
    return modal(
        RESTORE,
        "Restore a database",
        [parts.marked(f":hourglass_flowing_sand: Looking for backups of {literal(database)}…")],
    )


def restore_form(
    database: str, backups: list[tuple[str, str]], notes: list[str], metadata: dict[str, JsonValue]
) -> dict[str, Any]:
    """`backups` are (key, label) pairs, the newest verified first."""
    if not backups:
        words = f"There is no verified backup of {literal(database)}. `/dr backup` takes one."
        return modal(RESTORE, "Restore a database", [parts.marked(words), *map(_note, filter(None, notes))])
    return modal(
        RESTORE,
        "Restore a database",
        [
            parts.marked(
                f"Nothing is changed yet: what you choose becomes a *plan* for `{literal(database)}`, to be approved."
            ),
            choice("backup", "Which backup?", backups, initial=backups[0][0]),
            *map(_note, filter(None, notes)),
        ],
        submit="Make a plan",
        metadata=metadata,
    )


def restore_failed(words: str) -> dict[str, Any]:
    return modal(RESTORE, "Restore a database", [parts.marked(words)])


def approve_form(plan: Plan, document: PlanDocument, typed: bool) -> dict[str, Any]:
    """The last look before approving; for dangerous plans the target's name must be typed."""
    blocks = [
        parts.marked(f"You approve exactly this: {strong(document.title)}"),
        parts.fields([("Target", literal(document.target)), ("Data lost", literal(document.loss.words))]),
        parts.marked(f":leftwards_arrow_with_hook: *Way back*  {literal(document.way_back)}"),
    ]
    if typed and document.confirm:
        hint = "Capitals count. This keeps a tired thumb from approving."
        blocks.append(
            text_input("typed", f"Type the name of the target: {document.confirm}", max_length=200, hint=hint)
        )
    return modal(
        APPROVE, f"Approve plan {plan.id}", blocks, submit="Approve", metadata={"plan": plan.id, "hash": plan.hash}
    )


def whole_plan(plan: Plan, document: PlanDocument) -> dict[str, Any]:
    return modal(SHOW, f"Plan {plan.id}", list(show_in_full(plan, document)))


def _note(words: str) -> Any:
    return parts.context(literal(words))
