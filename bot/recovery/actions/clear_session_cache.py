"""Remove every session of the application's users, who log in again. (Document, Step 4: Clear session cache.)

Only what lies in the policy's session folder goes, never the folder; links are removed, never followed.
"""

from __future__ import annotations

from bot.outcome import Cancelled, Failed, Refused
from bot.recovery.action import Context, Evidence, Facts, History, Step, World
from bot.recovery.maintenance import judge_health
from bot.recovery.on_application import ApplicationAction, OnApplication
from bot.recovery.on_hosts import look_with, open_application_hosts, run_program
from bot.store.documents import Loss, PlanDocument, Prediction, Verdict
from bot.words import show_count

CLEAR_S = 300.0
GUESS_S = 10.0
GRAIN_S = 0.1
"""File systems write down times in coarser steps than clocks show them."""


class ClearSessionCache(ApplicationAction[OnApplication]):
    name = "clear_session_cache"
    purpose = "Remove all sessions, so that every user logs in again"
    risk = "high"
    parameters = OnApplication

    def application(self, world: World, parameters: OnApplication) -> str | None:
        return parameters.application

    def observe(self, world: World, parameters: OnApplication) -> Facts:
        """How many entries each host's folder has; they come and go."""
        return {"entries": {key: entries for key, (entries, _) in count_sessions(world, parameters).items()}}

    def plan(self, world: World, parameters: OnApplication, observed: Facts, history: History) -> PlanDocument:
        application = world.policy.applications[parameters.application]
        entries = observed["entries"]
        assert isinstance(entries, dict)
        hosts = open_application_hosts(world, parameters.application)
        return self.document(
            parameters,
            observed,
            title=f"Clear the sessions of {application.title}",
            loss=Loss(seconds=None, rows=None, words="every session: all users must log in again; no data of theirs"),
            downtime=Prediction(seconds=0, source="the application goes on"),
            duration=history.duration or Prediction(seconds=GUESS_S, source="a guess; not measured here yet"),
            way_back="None: sessions are not kept. Users log in again.",
            confirm=parameters.application,
            notes=[
                *(f"{host.host.title}: {entries[host.key]} entries in {application.session_folder}." for host in hosts),
                "What users have typed and not sent is lost with their session.",
            ],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        """Users log in and out meanwhile."""
        return []

    def steps(self) -> list[Step[OnApplication]]:
        return [Step("clear", "Empty the folder on each host", clear)]

    def verify(self, context: Context[OnApplication]) -> Evidence:
        """What is there now came after it was emptied."""
        application = context.world.policy.applications[context.parameters.application]
        began = context.outputs["clear"]["began"]
        assert isinstance(began, dict)
        old = [
            key
            for key, (_, oldest) in count_sessions(context.world, context.parameters).items()
            if oldest is not None and oldest < float(str(began[key])) - GRAIN_S
        ]
        found = f"some on {', '.join(old)}" if old else "none"
        verdicts = [
            Verdict(name="Sessions", expected="none from before", found=found, good=not old),
            judge_health(application),
        ]
        return Evidence(verdicts, {"removed": context.outputs["clear"]["removed"]}, "All users log in again.")

    def clean_up(self, context: Context[OnApplication]) -> str:
        said = list[str]()
        for host in open_application_hosts(context.world, context.parameters.application):
            try:
                entries = look_with(host, "count_entries", host.application.session_folder)["entries"]
                said.append(f"{host.host.title}: {show_count(int(str(entries)), 'session')}")
            except (Refused, Failed) as error:  # often why the run stopped
                said.append(f"{host.host.title}: not known, {error.reason}")
        return f"{'; '.join(said)}."


def clear(context: Context[OnApplication]) -> Facts:
    """Host by host. `began` is each host's own clock."""
    removed, began = 0, dict[str, float]()
    for host in open_application_hosts(context.world, context.parameters.application):
        if context.cancelled():
            raise Cancelled(f"Stopped before {host.host.title}; users of the hosts before it log in again.")
        folder = host.application.session_folder
        began[host.key] = float(str(look_with(host, "count_entries", folder)["now"]))
        removed += int(str(run_program(context, host, "empty_folder", folder, timeout_s=CLEAR_S)["removed"]))
    return {"removed": removed, "began": dict(began), "words": f"{show_count(removed, 'entry', 'entries')} removed"}


def count_sessions(world: World, parameters: OnApplication) -> dict[str, tuple[int, float | None]]:
    """By host: how many entries the folder has, and when the oldest was written, in seconds of the host's clock."""
    found = {}
    for host in open_application_hosts(world, parameters.application):
        seen = look_with(host, "count_entries", host.application.session_folder)
        oldest = seen["oldest"]
        found[host.key] = (int(str(seen["entries"])), None if oldest is None else float(str(oldest)))
    return found


ACTION = ClearSessionCache()
