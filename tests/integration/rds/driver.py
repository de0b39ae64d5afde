"""Carries an action out as a run would, step by step, without a bot: what the world then shows is what is tested."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from bot.clock import utc_now
from bot.outcome import Cancelled, Failed, Refused
from bot.policy.plain_yaml import dump_plain, load_plain
from bot.recovery.action import Action, Context, Evidence, History, World
from bot.recovery.registry import find_action, read_parameters
from bot.store.documents import PlanDocument, Verdict


@dataclass
class Performance:
    """One approved plan of an action, and the run of it."""

    action: Action[Any]
    context: Context[Any]
    words: list[str] = field(default_factory=list)

    @property
    def plan(self) -> PlanDocument:
        return self.context.plan

    def run(self, *, until: str | None = None) -> None:
        """Every step that is not done yet, in order, or those before `until`."""
        for step in self.action.steps():
            if step.name == until:
                return
            if step.name not in self.context.outputs:
                self.context.outputs[step.name] = step.do(self.context)

    def again(self) -> None:
        """As after a crash that forgot what was done: what happened is seen in the world, the rest is done."""
        self.context.outputs = {}
        for step in self.action.steps():
            facts = step.happened(self.context) if step.happened else None
            self.context.outputs[step.name] = step.do(self.context) if facts is None else facts

    def prove(self) -> Evidence:
        return self.action.verify(self.context)

    def fail(self) -> str:
        """Run into the end that is not success; returns what is said to be true now."""
        try:
            self.run()
        except (Refused, Failed) as error:
            return f"{error.words} {self.action.clean_up(self.context)}"
        except Cancelled:
            return f"cancelled. {self.action.clean_up(self.context)}"
        raise AssertionError(f"{self.action.name} went through")


def prepare(world: World, name: str, **given: Any) -> Performance:
    """Plan, as somebody approved it. Raises `Refused` or `Failed` where no plan can be made."""
    action = find_action(name)
    parameters = read_parameters(action, given)
    observed = action.observe(world, parameters)
    plan = action.plan(world, parameters, observed, History())
    plan = PlanDocument.model_validate_json(plan.model_dump_json())  # as it is stored and read back
    words: list[str] = []
    context: Context[Any] = Context(
        world=world,
        run_id=7,
        mark=f"run7-{uuid4().hex[:8]}",
        parameters=parameters,
        plan=plan,
        progress=words.append,
        cancelled=lambda: False,
    )
    return Performance(action, context, words)


def perform(world: World, name: str, **given: Any) -> tuple[Performance, Evidence]:
    """Plan, run and prove."""
    performance = prepare(world, name, **given)
    performance.run()
    return performance, performance.prove()


def bad(evidence: Evidence) -> list[Verdict]:
    return [verdict for verdict in evidence.verdicts if verdict.bad]


def refusal(world: World, name: str, **given: Any) -> str:
    """Why no plan is made."""
    try:
        prepare(world, name, **given)
    except (Refused, Failed) as error:
        return error.words
    raise AssertionError(f"{name} was planned")


def wait_until(what: str, look: Callable[[], bool], within_s: float = 30) -> None:
    deadline = time.monotonic() + within_s
    while not look():
        assert time.monotonic() < deadline, f"{what} never came"
        time.sleep(0.05)


def now_world(policy: Any, environment: dict[str, str]) -> World:
    return World(policy, environment, utc_now)


def hasten(path: Path, *, restart: str = "3 seconds", **changes: str) -> None:
    """Look every second and give up soon; wait no longer than `restart` for an application to be seen."""
    text = load_plain(path)
    text["infrastructure"]["rds"] |= {"poll_every": "1 second", "give_up_after": "2 minutes", **changes}
    for phase in text["disasters"]["database_corruption"]["phases"]:
        phase["expected"] = restart if phase["name"] == "Restart" else phase["expected"]
    dump_plain(path, text)
