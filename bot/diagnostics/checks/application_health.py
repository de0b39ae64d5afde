"""Does the application say that it is healthy? (Document, Step 1: quick health check.)"""

from __future__ import annotations

import time

import requests

from bot.diagnostics.check import Check, Surroundings
from bot.store.documents import Finding
from bot.words import cut

SLOW_S = 2.0


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
            body = answer.json()
        except requests.exceptions.JSONDecodeError:
            return self.finding("critical", f"{url} answered {answer.status_code}, but not in JSON.")
        except requests.RequestException as error:
            return self.finding("critical", f"{url} does not answer: {type(error).__name__}.")
        took_s = time.monotonic() - began
        wrong = {key: value for key, value in application.health_expect.items() if body.get(key) != value}
        if answer.status_code != requests.codes.ok or wrong:
            return self.finding("critical", f"{url} answered {answer.status_code}.", [cut(str(body), 500)])
        return self.finding("warning" if took_s > SLOW_S else "ok", f"Healthy, answered in {took_s * 1000:.0f} ms.")


CHECK = ApplicationHealth()
