"""The built-in monitoring: asks the health address of every application, and raises the alerts that others would.

A delayed workflow that enqueues itself. Its key is the time slot that it looks at, so there is one chain however many
replicas there are and however often they start, and after an outage of the bot it goes on with the present.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from bot.alerts.alert import Incoming, State, make_incoming
from bot.alerts.desk import AlertDesk
from bot.engine import seconds_until
from bot.policy import Application, Prober
from bot.store.tables import Probe
from bot.systems.web_application import Answer, ask_health

WORKFLOW = "probe-applications"
NAME = "prober"
HEALTHY, FAILING = "healthy", "failing"
AT_ONCE = 8
Ask = Callable[[str, Mapping[str, str]], Answer]
Listener = Callable[[Session, str, Answer], None]
"""Told in the same transaction what an application, by its key, answered; a slot once."""


@dataclass(frozen=True)
class HealthProber:
    """`ask` gives the answer of a health address and its expected fields."""

    alerts: AlertDesk
    ask: Ask = ask_health
    heard: list[Listener] = field(default_factory=list)

    def start(self) -> None:
        """See to it that the next slot is looked at, where the policy wants it; again changes nothing."""
        if self._settings:
            with self.alerts.database.write() as session:
                self._enqueue_next(session, self._settings)

    def probe(self, slot: int) -> None:
        """The workflow. `slot`: when it was due, in seconds since 1970."""
        settings = self._settings
        if settings is None:
            return
        answers = self._ask_all()
        with self.alerts.database.write() as session:
            due = datetime.fromtimestamp(slot, UTC)
            found = [self._note(session, settings, key, answer, due) for key, answer in answers.items()]
            self.alerts.receive_in(session, [alert for alert in found if alert])
            self._enqueue_next(session, settings)

    @property
    def _settings(self) -> Prober | None:
        return self.alerts.policy.alerts.prober

    def _ask_all(self) -> dict[str, Answer]:
        applications = {key: one for key, one in self.alerts.policy.applications.items() if not one.standby}
        with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix=NAME) as pool:
            return dict(zip(applications, pool.map(self._ask_one, applications.values()), strict=True))

    def _ask_one(self, application: Application) -> Answer:
        return self.ask(health_url(application), application.health_expect)

    def _note(self, session: Session, settings: Prober, key: str, answer: Answer, due: datetime) -> Incoming | None:
        """Count, and raise an alert when enough have failed in a row; a slot counts once."""
        probe = session.get(Probe, key, with_for_update=True)
        if probe is None:
            probe = Probe(application=key, state=HEALTHY, failures=0, words="", checked_at=due, changed_at=due)
            session.add(probe)
        elif probe.checked_at >= due:
            return None
        probe.checked_at, probe.words = due, answer.words
        for listener in self.heard:
            listener(session, key, answer)
        probe.failures = 0 if answer.good else probe.failures + 1
        state = HEALTHY if answer.good else FAILING if probe.failures >= settings.failures else probe.state
        if state == probe.state:
            return None
        probe.state, probe.changed_at = state, due
        return self._make_alert(key, probe, "firing" if state == FAILING else "resolved")

    def _make_alert(self, key: str, probe: Probe, state: State) -> Incoming:
        application = self.alerts.policy.applications[key]
        url = health_url(application)
        text = f"{url}: {probe.words}"
        if state == "firing":
            text = f"{probe.failures} bad answers in a row. {text}"
        return make_incoming(
            NAME,
            fingerprint=key,
            title=f"{application.title} fails its health check",
            state=state,
            at=self.alerts.clock(),
            text=text,
            severity="critical",
            labels={"application": key},
            link=url,
            payload={"url": url, "answer": probe.words, "failures": probe.failures},
        )

    def _enqueue_next(self, session: Session, settings: Prober) -> None:
        """The slot after the present one, whichever was looked at: what was missed is not caught up with."""
        now, every_s = self.alerts.clock(), max(1, int(settings.every.total_seconds()))
        slot = (int(now.timestamp()) // every_s + 1) * every_s
        delay_s = seconds_until(datetime.fromtimestamp(slot, UTC), now)
        self.alerts.notices.engine.enqueue(session, WORKFLOW, slot, key=f"{WORKFLOW}-{slot}", delay_s=delay_s)


def health_url(application: Application) -> str:
    """Where an application says whether it is well."""
    return application.url.rstrip("/") + application.health_path
