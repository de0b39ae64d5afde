"""Running an action on the sandbox's one host without a bot, step by step."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.clock import utc_now
from bot.policy import load_policy
from bot.policy.plain_yaml import dump_plain, load_plain
from bot.recovery.action import Action, Context, Evidence, Facts, History, Memory, Step, World
from bot.recovery.registry import find_action, read_parameters
from bot.sandbox.demo_policy import write_demo_policy
from bot.sandbox.repositories import make_repositories
from bot.sandbox.stage import Stage


class Notes(Memory):
    """A step's memory, kept in a dictionary."""

    def __init__(self) -> None:
        self.kept = dict[str, str]()

    def recall(self, name: str) -> str | None:
        return self.kept.get(name)

    def keep(self, name: str, value: str) -> None:
        self.kept[name] = value


@dataclass
class Desk:
    """The world of one stage, and a way to run actions in it."""

    stage: Stage
    folder: Path
    world: World = field(init=False)

    def __post_init__(self) -> None:
        stage = self.stage
        make_repositories(stage.disk.git_folder)
        _, policy = write_demo_policy(
            self.folder, stage.warehouse_url, supervisor=stage.supervisor_path, log_path=stage.warehouse_log_path
        )
        self.world = World(policy, {**os.environ, **stage.environment()}, utc_now)

    def change(self, alter: Callable[[dict[str, Any]], None]) -> None:
        """Another policy."""
        path = self.folder / "policy.yml"
        text: dict[str, Any] = load_plain(path)
        alter(text)
        dump_plain(path, text)
        self.world = World(load_policy(path), self.world.environment, utc_now)

    def plan(self, name: str, **given: Any) -> Context[Any]:
        """A plan, and what its steps are given. Raises as the action does."""
        action: Action[Any] = find_action(name)
        if "application" in action.parameters.model_fields:
            given = {"application": "traitortrack", **given}
        parameters = read_parameters(action, given)
        observed = action.observe(self.world, parameters)
        plan = action.plan(self.world, parameters, observed, History())
        return Context(
            world=self.world, run_id=1, mark="mark", parameters=parameters, plan=plan, progress=lambda words: None,
            cancelled=lambda: False,
        )  # fmt: skip

    def carry_out(self, name: str, context: Context[Any]) -> Evidence:
        """All steps and the proof."""
        action = find_action(name)
        for step in action.steps():
            take(step, context)
        return action.verify(context)

    def run(self, name: str, **given: Any) -> Evidence:
        return self.carry_out(name, self.plan(name, **given))


def take(step: Step[Any], context: Context[Any]) -> Facts:
    """One step, with a memory of its own."""
    context.memory = Notes()
    context.outputs[step.name] = step.do(context)
    return context.outputs[step.name]


def bad(evidence: Evidence) -> set[str]:
    """Names of the verdicts that are not good."""
    return {verdict.name for verdict in evidence.verdicts if not verdict.good}
