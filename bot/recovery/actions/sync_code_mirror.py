"""Bring the mirror's branches and tags up to the repository's. (Document: Git Repository Backup, whose hook never ran.)

Nothing is forced and nothing deleted: where the mirror has commits that the repository has not, people must look.
"""

from __future__ import annotations

from pydantic import JsonValue

from bot.outcome import Refused
from bot.recovery.action import Action, Context, Evidence, Facts, History, Parameters, Step, World
from bot.store.documents import Loss, PlanDocument, Prediction, Verdict
from bot.systems.repositories import TAGS, Copy, copy_repository, list_heads
from bot.words import show_count

SHOWN = 8
HEADS = "branch or tag", "branches and tags"


class Nothing(Parameters):
    """There is one repository and one mirror."""


class SyncCodeMirror(Action[Nothing]):
    name = "sync_code_mirror"
    purpose = "Bring the mirror's branches and tags up to the repository's; never forced"
    risk = "high"
    permissions = ()
    parameters = Nothing

    def target(self, parameters: Nothing) -> str:
        return "code mirror"

    def observe(self, world: World, parameters: Nothing) -> Facts:
        """Raises `Refused` where they are the same, or where the mirror has gone a way of its own."""
        code = world.policy.infrastructure.code
        ours, theirs = list_heads(code.primary), list_heads(code.mirror)
        behind = {name: commit for name, commit in ours.items() if theirs.get(name) != commit}
        if not behind:
            raise Refused("The mirror has every branch and tag as the repository has them.", "Nothing is to be done.")
        with copy_repository(code.primary) as copy:
            diverged = [name for name in behind if has_diverged(copy, name, behind[name], theirs.get(name))]
        if diverged:
            raise Refused(
                f"The mirror has something else as {', '.join(diverged[:SHOWN])}, and would lose it.",
                "Look at it there, and keep what is wanted in the repository; the bot never forces.",
            )
        return {"behind": dict(behind), "more": list[JsonValue](sorted(theirs.keys() - ours.keys()))}

    def plan(self, world: World, parameters: Nothing, observed: Facts, history: History) -> PlanDocument:
        code, behind, more = world.policy.infrastructure.code, observed["behind"], observed["more"]
        assert isinstance(behind, dict)
        assert isinstance(more, list)
        notes = [f"{name} goes to {str(commit)[:12]}." for name, commit in list(behind.items())[:SHOWN]]
        notes += [f"{len(behind) - SHOWN} more."] if len(behind) > SHOWN else []
        notes += [f"Stays, and is not in the repository: {', '.join(map(str, more[:SHOWN]))}."] if more else []
        return self.document(
            parameters,
            observed,
            title=f"Bring {show_count(len(behind), *HEADS)} of the mirror up to date",
            loss=Loss(seconds=0, rows=0, words="nothing: no commit is left behind, no branch deleted"),
            downtime=Prediction(seconds=0, source="nothing is interrupted"),
            duration=history.duration or Prediction(seconds=None, source="not measured here yet"),
            way_back="None is needed: branches only go forward.",
            notes=[f"From {code.primary} to {code.mirror}.", *notes],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        """What is pushed are the planned commits; where the mirror has moved, it refuses by itself."""
        return []

    def steps(self) -> list[Step[Nothing]]:
        return [Step("push", "Push them, all or none", push, pushed)]

    def verify(self, context: Context[Nothing]) -> Evidence:
        found = list_heads(context.world.policy.infrastructure.code.mirror)
        there = [name for name, commit in wanted_of(context).items() if found.get(name) == commit]
        verdict = Verdict(
            name="Mirror", expected=show_count(len(wanted_of(context)), *HEADS), found=f"{len(there)} there",
            good=len(there) == len(wanted_of(context)),
        )  # fmt: skip
        return Evidence([verdict], {}, "The mirror can stand in for the repository.")


def has_diverged(copy: Copy, name: str, ours: str, theirs: str | None) -> bool:
    """Whether a branch of the mirror would lose commits, or a tag would move."""
    return theirs is not None and (name.startswith(TAGS) or not copy.holds(theirs, ours))


def push(context: Context[Nothing]) -> Facts:
    code = context.world.policy.infrastructure.code
    with copy_repository(code.primary, context.cancelled) as copy:
        context.progress("pushing")
        copy.push(code.mirror, wanted_of(context))
    return {"pushed": len(wanted_of(context)), "words": show_count(len(wanted_of(context)), *HEADS)}


def pushed(context: Context[Nothing]) -> Facts | None:
    """Heads that have gone further since are none of ours, and are seen by the proof."""
    found, wanted = list_heads(context.world.policy.infrastructure.code.mirror), wanted_of(context)
    if any(found.get(name) != commit for name, commit in wanted.items()):
        return None
    return {"pushed": len(wanted), "words": show_count(len(wanted), *HEADS)}


def wanted_of(context: Context[Nothing]) -> dict[str, str]:
    behind = context.plan.observed["behind"]
    assert isinstance(behind, dict)
    return {name: str(commit) for name, commit in behind.items()}


ACTION = SyncCodeMirror()
