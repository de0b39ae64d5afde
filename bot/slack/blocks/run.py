"""A run: progress while it goes, proof when it is over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from slack_sdk.models.blocks import Block

from bot.slack.blocks import parts
from bot.slack.text import literal, show_duration
from bot.store.documents import Proof
from bot.store.tables import Run, RunStep

STEP_SIGNS = {
    "waiting": ":white_small_square:",
    "running": ":hourglass_flowing_sand:",
    "done": ":white_check_mark:",
    "failed": ":x:",
}
ENDINGS = {
    "queued": ":hourglass_flowing_sand: Waiting to start",
    "running": ":gear: Running",
    "cancelling": ":octagonal_sign: Cancelling: waiting until what is under way has stopped",
    "cancelled": ":octagonal_sign: Cancelled",
    "done": ":white_check_mark: Done",
    "refused": ":no_entry_sign: Not started",
    "failed": ":x: Failed",
}
GOING_ON = ("queued", "running", "cancelling")


def show_run(run: Run, steps: list[RunStep], title: str, approvers: list[str], now: datetime) -> Iterator[Block]:
    yield parts.header(title)
    yield parts.marked(_state(run, now))
    yield parts.marked("\n".join(_show_step(step) for step in steps) or "_no step yet_")
    if run.words:
        yield parts.marked(literal(run.words))
    if run.proof:
        yield from show_proof(run.proof)
    if run.state in ("queued", "running"):
        yield parts.actions([parts.button("Cancel", "run.cancel", {"run": run.id}, "danger")])
    approved = f" · approved by {', '.join(approvers)}" if approvers else ""
    yield parts.context(f"Run {run.id} of plan {run.plan_id}{approved}")


def show_proof(proof: Proof) -> Iterator[Block]:
    yield parts.divider()
    sign = ":white_check_mark: *Proven*" if proof.good else ":warning: *Not everything is as it should be*"
    lines = [
        f"{':white_check_mark:' if verdict.good else ':x:'} *{literal(verdict.name)}*: {literal(verdict.found)}"
        f" _(expected {literal(verdict.expected)})_"
        for verdict in proof.verdicts
    ]
    yield parts.marked("\n".join([sign, *lines]))
    if proof.phases:
        shown = [f"{literal(phase.name)} {show_duration(phase.seconds)}" for phase in proof.phases]
        yield parts.context(" · ".join(shown))


def _state(run: Run, now: datetime) -> str:
    if run.started_at is None:
        return f"*{ENDINGS[run.state]}*"
    took = show_duration(((run.finished_at or now) - run.started_at).total_seconds())
    return f"*{ENDINGS[run.state]}* {'for' if run.state in GOING_ON else 'after'} {took} on `{literal(run.target)}`"


def _show_step(step: RunStep) -> str:
    took = ""
    if step.started_at and step.finished_at:
        took = f" _{show_duration((step.finished_at - step.started_at).total_seconds())}_"
    detail = f": {literal(step.words)}" if step.words else ""
    return f"{STEP_SIGNS[step.state]} {literal(step.title)}{detail}{took}"
