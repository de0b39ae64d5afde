"""A playbook: its steps, the clock against the RTO, and the decisions that it waits for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import JsonValue
from slack_sdk.models.blocks import Block, ButtonElement

from bot.policy import Playbook
from bot.slack.blocks import parts
from bot.slack.blocks.rich import Piece, bold, emoji, faint, lines
from bot.slack.text import cut, literal, show_duration, show_time, strong
from bot.store.documents import Phase
from bot.store.tables import Plan, PlaybookRun, PlaybookTask, Run

STEP_SIGNS = {
    "waiting": "white_small_square",
    "asked": "hourglass_flowing_sand",
    "failed": "x",
    "done": "white_check_mark",
    "skipped": "fast_forward",
    "needless": "heavy_minus_sign",
}
STATES = {
    "planning": ("hourglass_flowing_sand", "Making one plan for all of it"),
    "pending": ("hourglass_flowing_sand", "Waiting for approval"),
    "running": ("gear", "Running"),
    "paused": ("double_vertical_bar", "Paused: somebody must decide"),
    "stopping": ("octagonal_sign", "Stopping, once what is under way has ended"),
    "stopped": ("octagonal_sign", "Stopped"),
    "refused": ("no_entry_sign", "Not begun"),
    "done": ("white_check_mark", "Done"),
}
ENDED = ("done", "stopped", "refused")
WORDS_SHOWN = 400


@dataclass(frozen=True)
class Progress:
    """A step, and the plan and the run that there are for it; `skip` asks to leave it out."""

    task: PlaybookTask
    plan: Plan | None = None
    run: Run | None = None
    skip: Plan | None = None


@dataclass(frozen=True)
class Clock:
    """Seconds since detection, or since the start, against the RTO; where they went."""

    elapsed_s: float
    rto_s: float
    since: str
    phases: list[Phase]


def show_playbook(
    run: PlaybookRun, title: str, steps: list[Progress], clock: Clock | None, who: str
) -> Iterator[Block]:
    """The one message of a playbook run; `who` is mrkdwn."""
    sign, words = STATES[run.state]
    yield parts.header(title)
    state: list[Piece] = [emoji(sign), " ", bold(words)]
    if run.words:
        state.append(f": {cut(run.words, WORDS_SHOWN)}")
    yield lines([state, *([_show_clock(clock)] if clock else [])])
    yield lines([_show_step(step) for step in steps])
    buttons = list(_list_buttons(run, steps))
    if buttons:
        yield parts.actions(buttons)
    if clock and clock.phases:
        yield parts.context(" · ".join(map(_show_phase, clock.phases)))
    asked = f"asked by {who} {show_time(run.created_at)}"
    yield parts.context(f"Playbook run {run.id} on {literal(run.database)} · {asked}")


def show_offer(offered: list[tuple[str, Playbook]], recent: list[PlaybookRun]) -> Iterator[Block]:
    """What can be started, the likeliest first, and what was started lately."""
    for key, playbook in offered:
        approval = "one approval for all of it" if playbook.approval == "whole" else "each action approved by itself"
        numbered = "\n".join(f"{number}. {literal(step.title)}" for number, step in enumerate(playbook.steps, 1))
        start = parts.button("Start", f"playbook.start:{key}", {"key": key})
        yield parts.marked(f"{strong(playbook.title)}  `{key}`, {approval}\n{numbered}", start)
    if recent:
        yield lines([[bold(f"{run.id}"), f"  {run.playbook} on {run.database}: {run.state}"] for run in recent])


def _show_clock(clock: Clock) -> Sequence[Piece]:
    elapsed, rto = show_duration(clock.elapsed_s), show_duration(clock.rto_s)
    over = clock.elapsed_s > clock.rto_s
    left = show_duration(abs(clock.rto_s - clock.elapsed_s))
    return (
        emoji("rotating_light" if over else "stopwatch"), f" {elapsed} since {clock.since}; RTO {rto}, ",
        bold(f"{left} over" if over else f"{left} left"),
    )  # fmt: skip


def _show_step(step: Progress) -> Sequence[Piece]:
    task = step.task
    details = [_describe_work(step), cut(task.words, WORDS_SHOWN)]
    took = ""
    if task.started_at and task.finished_at:
        took = f"  {show_duration((task.finished_at - task.started_at).total_seconds())}"
    said = ": ".join([f" {task.index + 1}. {task.definition.title}", *filter(None, details)])
    return (emoji(STEP_SIGNS[task.state]), said, faint(took) if took else "")


def _describe_work(step: Progress) -> str:
    """Where what is done for the step can be seen."""
    task = step.task
    if task.state == "asked" and task.definition.manual:
        return f"a person does it. {task.definition.manual}"
    if step.run and task.state in ("done", "asked"):
        return f"run {step.run.id}" if task.state == "done" else f"run {step.run.id} is {step.run.state}"
    if step.plan and task.state == "asked":
        return f"plan {step.plan.id} is {step.plan.state}"
    return ""


def _show_phase(phase: Phase) -> str:
    expected = f" of {show_duration(phase.expected_s)}" if phase.expected_s else ""
    spent = f"*{show_duration(phase.seconds)}*" if phase.seconds else "-"
    return f"{literal(phase.name)} {spent}{expected}"


def _list_buttons(run: PlaybookRun, steps: list[Progress]) -> Iterator[ButtonElement]:
    """What may be decided now. Buttons are for all; the press decides."""
    if run.state in (*ENDED, "stopping"):
        return
    value: dict[str, JsonValue] = {"playbook": run.id}
    at = next((step for step in steps if step.task.state in ("failed", "asked")), None)
    if at is None and run.state == "paused":
        yield parts.button("Go on", "playbook.go_on", value, "primary")
    if at and run.state in ("running", "paused"):
        yield from _list_step_buttons(at, {**value, "step": at.task.index})
    yield parts.button("Stop", "playbook.stop", value, "danger")


def _list_step_buttons(step: Progress, value: dict[str, JsonValue]) -> Iterator[ButtonElement]:
    task = step.task
    by_person = task.state == "asked" and task.definition.manual is not None
    if by_person:
        yield parts.button("Done", "playbook.done", value, "primary")
    if task.state == "failed":
        yield parts.button("Try again", "playbook.retry", value, "primary")
    if task.definition.skipping and (by_person or task.state == "failed"):
        waits = step.skip is not None and step.skip.state == "pending"
        if not waits:
            yield parts.button("Leave it out…", "playbook.skip", value)
