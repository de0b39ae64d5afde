"""Does the application say that it is healthy? (Document, Step 1: quick health check.)"""

from __future__ import annotations

import time

import requests
from pydantic import JsonValue

from bot.diagnostics.check import Check, Surroundings
from bot.store.documents import Finding, Measure, Suggestion
from bot.systems.web_application import tell_no_answer
from bot.words import cut

SLOW_S = 2.0
SAID_SHOWN = 300


class ApplicationHealth(Check):
    name = "application_health"
    title = "Health of the application"
    scope = "application"
    timeout_s = 6.0

    def run(self, surroundings: Surroundings) -> Finding:
        application = surroundings.policy.applications[surroundings.settings.application]
        url = str(application.url).rstrip("/") + application.health_path
        began = time.monotonic()
        try:
            answer = requests.get(url, timeout=5)
        except requests.RequestException as error:
            return self._explain(surroundings, url, error)
        took_s = time.monotonic() - began
        measures = [Measure(name="answer", value=took_s, unit="s")]
        body = _read(answer)
        wrong = {key: value for key, value in application.health_expect.items() if body.get(key) != value}
        if answer.status_code != requests.codes.ok or wrong:
            said = cut(str(body.get("reason") or body or answer.text), SAID_SHOWN)
            return self.finding(
                "critical", f"{url} answered {answer.status_code}: {said}", [cut(answer.text, 500)],
                normal=_tell_healthy(application.health_expect), signs=["application unhealthy"],
            )  # fmt: skip
        slow = took_s > SLOW_S
        return self.finding(
            "warning" if slow else "ok", f"Healthy, answered in {took_s * 1000:.0f} ms.", measures=measures,
            signs=["application slow"] if slow else [],
        )  # fmt: skip

    def _explain(self, surroundings: Surroundings, url: str, error: requests.RequestException) -> Finding:
        hangs = isinstance(error, requests.Timeout)
        restart = Suggestion(
            action="restart_application", label="Restart the application",
            parameters={"application": surroundings.settings.application},
        )  # fmt: skip
        words = "does not answer within 5 s: it hangs" if hangs else f"does not answer: {tell_no_answer(error)}"
        return self.finding(
            "critical", f"{url} {words}.", suggests=[restart], normal="It answers.",
            signs=["application hangs" if hangs else "application down"],
        )  # fmt: skip


def _read(answer: requests.Response) -> dict[str, JsonValue]:
    try:
        body = answer.json()
    except requests.exceptions.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def _tell_healthy(expected: dict[str, str]) -> str:
    return "It answers 200 with " + ", ".join(f"{key}: {value}" for key, value in expected.items()) + "."


CHECK = ApplicationHealth()
