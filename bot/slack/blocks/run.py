"""A run: progress while it goes, proof when it is over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from pydantic import JsonValue
from slack_sdk.models.blocks import Block

from bot.slack.blocks import parts
from bot.slack.blocks.rich import Piece, bold, code, emoji, faint, lines
from bot.slack.text import cut, literal, show_duration
from bot.store.documents import Phase, Proof, Verdict
from bot.store.tables import Run, RunStep

STEP_SIGNS = {
    "waiting": "white_small_square",
    "running": "hourglass_flowing_sand",
    "done": "white_check_mark",
    "failed": "x",
    "skipped": "fast_forward",
}
ENDINGS = {
    "queued": ("hourglass_flowing_sand", "Waiting to start"),
    "running": ("gear", "Running"),
    "cancelling": ("octagonal_sign", "Cancelling, until what is under way has stopped"),
    "cancelled": ("octagonal_sign", "Cancelled"),
    "done": ("white_check_mark", "Done"),
    "needless": ("heavy_minus_sign", "Nothing was left to do"),
    "refused": ("no_entry_sign", "Not started"),
    "failed": ("x", "Failed"),
}
GOING_ON = ("queued", "running", "cancelling")
WORDS_SHOWN = 1500
VALUE_SHOWN = 300


def show_run(
    run: Run, steps: list[RunStep], title: str, approvers: list[str], now: datetime,
    skipping: Mapping[str, str | None] | None = None,
) -> Iterator[Block]:  # fmt: skip
    """`skipping` says by step what is missing when it is left out, as in the plan."""
    yield parts.header(title)
    yield lines([_state(run, now)])
    if steps:
        yield lines([_show_step(step) for step in steps])
    if run.words:
        yield parts.words(run.words, WORDS_SHOWN)
    if run.proof:
        yield from show_proof(run.proof)
    buttons = list(_list_buttons(run, steps, skipping or {}))
    if buttons:
        yield parts.actions(buttons)
    approved = f" · approved by {', '.join(approvers)}" if approvers else ""
    yield parts.context(f"Run {run.id} of plan {run.plan_id}{approved}")


def _list_buttons(run: Run, steps: list[RunStep], skipping: Mapping[str, str | None]) -> Iterator[parts.ButtonElement]:
    """What can be done about the run now; whether the presser may, the press decides."""
    value: dict[str, JsonValue] = {"run": run.id}
    if run.state in ("queued", "running"):
        yield parts.button("Cancel", "run.cancel", value, "danger")
    if run.state in ("failed", "refused"):
        yield parts.button("Try again", "run.retry", value)
        for step in steps:
            if step.state == "failed" and skipping.get(step.name):
                yield parts.button("Go on without this step…", "run.skip", {**value, "step": step.name})
    if run.state == "done" and run.way_back:
        yield parts.button("Undo…", "run.undo", value)


def show_proof(proof: Proof) -> Iterator[Block]:
    yield parts.divider()
    sign, words = ("white_check_mark", "Proven") if proof.good else ("warning", "Not everything is as it should be")
    worst_first = sorted(proof.verdicts, key=lambda verdict: (not verdict.bad, not verdict.unknown))
    yield lines([(emoji(sign), " ", bold(words)), *map(_show_verdict, worst_first)])
    if proof.phases:
        yield parts.context(" · ".join(map(_show_phase, proof.phases)))


def _show_verdict(verdict: Verdict) -> Sequence[Piece]:
    sign = emoji("white_check_mark" if verdict.good else "grey_question" if verdict.unknown else "x")
    found, expected = cut(verdict.found, VALUE_SHOWN), cut(verdict.expected, VALUE_SHOWN)
    return (sign, " ", bold(cut(verdict.name, VALUE_SHOWN)), f"  {found} ", faint(f"(expected: {expected})"))


def _show_phase(phase: Phase) -> str:
    expected = f" (expected {show_duration(phase.expected_s)})" if phase.expected_s else ""
    return f"{literal(phase.name)} *{show_duration(phase.seconds)}*{expected}"


def _state(run: Run, now: datetime) -> Sequence[Piece]:
    sign, words = ENDINGS[run.state]
    if run.started_at is None:
        return (emoji(sign), " ", bold(words))
    took = show_duration(((run.finished_at or now) - run.started_at).total_seconds())
    how_long = f" {'for' if run.state in GOING_ON else 'after'} {took} on "
    return (emoji(sign), " ", bold(words), how_long, code(run.target))


def _show_step(step: RunStep) -> Sequence[Piece]:
    took = ""
    if step.started_at and step.finished_at:
        took = f"  {show_duration((step.finished_at - step.started_at).total_seconds())}"
    detail = f": {cut(step.words, 500)}" if step.words else ""
    return (emoji(STEP_SIGNS[step.state]), f" {step.title}{detail}", faint(took) if took else "")
