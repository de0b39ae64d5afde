"""Do the pages of the application answer, each by itself? Its reports, and what users read; nothing is written.

A healthy health endpoint says nothing of a page that breaks. Of the steps in the policy's verification those are walked
that only read, after a login where there is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import requests

from bot.diagnostics.check import Surroundings
from bot.diagnostics.points import Point, PointCheck
from bot.policy import Application, Verification
from bot.policy.verification import VerificationStep
from bot.store.documents import Measure
from bot.systems.user_journey import Stage, walk
from bot.systems.web_application import tell_no_answer
from bot.words import cut

ANSWER_S, SLOW_S = 5.0, 2.0
KEPT_BYTES, SAID_SHOWN = 64 * 1024, 160
FAULT = 500


class ApplicationPaths(PointCheck):
    name = "application_paths"
    title = "Pages of the application"
    scope = "application"
    once = False
    timeout_s = 20.0

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        application = surroundings.policy.applications[surroundings.settings.application]
        address = str(application.url).rstrip("/")
        with ThreadPoolExecutor(max_workers=4) as pool:
            walked = pool.submit(lambda: list(_walk(surroundings, application)))
            for points in pool.map(lambda path: list(_get(address, path)), list_paths(application)):
                yield from points
            yield from walked.result()


def list_paths(application: Application) -> list[str]:
    """Those that are to be had without knowing anything; the health endpoint has a check of its own."""
    steps = application.verification.steps if application.verification else []
    plain = [step.path for step in steps if step.method == "GET" and "{" not in step.path]
    own = [application.stats_path, application.login_path, application.system_health_path, application.pool_path]
    return [path for path in dict.fromkeys([*own, *plain]) if path != application.health_path]


def _get(address: str, path: str) -> Iterator[Point]:
    try:
        with requests.get(address + path, timeout=ANSWER_S, allow_redirects=False, stream=True) as answer:
            said = answer.raw.read(KEPT_BYTES, decode_content=True).decode("utf-8", "replace")
            status, took_s = answer.status_code, answer.elapsed.total_seconds()
    except requests.RequestException as error:
        yield Point("critical", f"{path} does not answer: {tell_no_answer(error)}.", signs=("page broken",))
        return
    measure = Measure(name=path, value=took_s, unit="s")
    words = f"{path} answers {status} in {took_s * 1000:.0f} ms"
    if status >= FAULT:
        yield Point("critical", f"{words}: {cut(said, SAID_SHOWN)}", signs=("page broken",), normal="No page fails.")
    elif took_s > SLOW_S:
        yield Point("warning", f"{words}.", signs=("application slow",), measures=(measure,))
    else:
        yield Point("ok", f"{words}.", measures=(measure,))


def _walk(surroundings: Surroundings, application: Application) -> Iterator[Point]:
    verification = application.verification
    names = [verification.user_env, verification.password_env] if verification else []
    given = [surroundings.environment.get(name or "", "") for name in names]
    if verification is None or not all(given):
        return
    reading = [step for step in verification.steps if step.method == "GET" or (step.form and step.cookie)]
    bare = [step for step in reading if step.path != application.health_path and not step.contains]
    if not bare:
        return
    for stage in walk(str(application.url), _only(verification, bare), given[0], given[1]):
        yield from _judge(stage)


def _only(verification: Verification, steps: list[VerificationStep]) -> Verification:
    return verification.model_copy(update={"steps": steps})


def _judge(stage: Stage) -> Iterator[Point]:
    if stage.skipped:
        return
    words = f"{stage.title}: {stage.found}"
    if stage.good:
        yield Point("ok", f"{words}.")
    else:
        sign = "login broken" if "cookie" in stage.expected else "page broken"
        normal = f"It is {stage.expected}."
        yield Point("critical", f"{words}, expected {stage.expected}.", signs=(sign,), normal=normal)


CHECK = ApplicationPaths()
