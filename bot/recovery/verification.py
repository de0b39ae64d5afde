"""What users do with the application, tried after a run that touched it: part of its proof. (Document: Step 6.)"""

from __future__ import annotations

import json

from bot.policy import Application
from bot.recovery.action import Memory, World
from bot.recovery.load_balancer import wait_for_service
from bot.recovery.maintenance import keeps_users_out
from bot.store.documents import Verdict
from bot.systems.user_journey import Stage, walk
from bot.words import cut

MADE = "made by the test user"
NAME = "As a user would"
SHOWN = 300


def verify_as_user(world: World, application: str | None, memory: Memory | None = None) -> list[Verdict]:
    """Go the policy's way through the application once; whatever is made on it is taken away again, after a crash too
    where there is a `memory`.

    One verdict where all is good, else one for each step that is not. Where there is no way, or no test user to go it,
    that is not known, and neither good nor bad.

    Behind a load balancer that has no healthy server yet, a user comes to another one in between, and is not logged in
    there. So a way that went wrong is gone a second time once it has one, and the verdict says so.
    """
    if application is None:
        return []
    settings = world.policy.applications[application]
    verification = settings.verification
    if verification is None:
        return [_unknown("not verified: the policy does not say what a user does (`applications.*.verification`)")]
    named = [name for name in (verification.user_env, verification.password_env) if name]
    missing = [name for name in named if not world.environment.get(name)]
    if missing:
        return [_unknown(f"not verified: {', '.join(missing)} is not set, so there is no test user to log in with")]
    stages = _walk(world, settings, memory or Memory())
    bad = next((one for one in stages if not one.good), None)
    if bad is not None and keeps_users_out(world, application):
        return [_unknown("not verified: maintenance mode keeps users out. `/dr verify` once it is off")]
    if bad is None or not wait_for_service(world, application):
        return _judge(world, stages)
    first = world.redactor.redact(f"; at the first try {bad.title}: {bad.found}")
    return _judge(world, _walk(world, settings, memory or Memory()), cut(first, SHOWN))


def _walk(world: World, settings: Application, memory: Memory) -> list[Stage]:
    verification = settings.verification
    assert verification is not None
    names = (verification.user_env, verification.password_env)
    user, password = (world.environment.get(name or "", "") for name in names)
    left = {str(name): str(value) for name, value in json.loads(memory.recall(MADE) or "{}").items()}
    way = walk(
        str(settings.url), verification, user, password,
        left=left, keep=lambda made: memory.keep(MADE, json.dumps(made)),
    )  # fmt: skip
    return list(way)


def _judge(world: World, stages: list[Stage], remark: str = "") -> list[Verdict]:
    if all(stage.good for stage in stages):
        titles = ", ".join(stage.title for stage in stages)
        return [Verdict(name=NAME, expected=f"{len(stages)} steps", found=f"all are good: {titles}{remark}", good=True)]
    return [
        Verdict(
            name=f"{NAME}: {stage.title}",
            expected=stage.expected,
            found=cut(world.redactor.redact(stage.found), SHOWN),
            good=False,
            unknown=stage.skipped,
        )
        for stage in stages
        if not stage.good
    ]


def _unknown(words: str) -> Verdict:
    return Verdict(name=NAME, expected="what users do works", found=words, good=False, unknown=True)
