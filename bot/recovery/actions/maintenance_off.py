"""Let users in again. (Document: Application Failover Test, step 6.)"""

from __future__ import annotations

import requests

from bot.outcome import Refused
from bot.policy import Policy
from bot.recovery.action import Context, Evidence, Facts, History, Needless, Step, World
from bot.recovery.maintenance import (
    ask_as_user,
    ask_flags,
    judge_health,
    on_each_host,
    remove_page,
    show_since,
    tell_flags,
    tell_silent,
    tell_unasked,
)
from bot.recovery.on_application import ApplicationAction, OnApplication
from bot.recovery.touched import name_page
from bot.store.documents import Loss, PlanDocument, Prediction, Suggestion, Verdict
from bot.words import show_count

GUESS_S = 5.0


class MaintenanceOff(ApplicationAction[OnApplication]):
    name = "maintenance_off"
    purpose = "Let users into the application again"
    risk = "high"
    parameters = OnApplication

    def touches(self, policy: Policy, parameters: OnApplication) -> frozenset[str]:
        """The hosts as well: users are not let in while something is at work there."""
        return super().touches(policy, parameters) | {name_page(parameters.application)}

    def application(self, world: World, parameters: OnApplication) -> str | None:
        return parameters.application

    def observe(self, world: World, parameters: OnApplication) -> Facts:
        """A host that does not answer is left out: users are let in on the others."""
        flags, silent = ask_flags(world, parameters.application)
        if not any(flags.values()):
            words = f"Maintenance mode is not on.{tell_unasked(silent)}"
            raise (Refused if silent else Needless)(words, "`/dr plan maintenance_on` would begin it.")
        began = min(str(since) for since in flags.values() if since)
        return {"on": {key: since is not None for key, since in flags.items()}, "since": began, "silent": {**silent}}

    def plan(self, world: World, parameters: OnApplication, observed: Facts, history: History) -> PlanDocument:
        title = world.policy.applications[parameters.application].title
        return self.document(
            parameters,
            observed,
            title=f"Maintenance mode of {title} off",
            loss=Loss(seconds=0, rows=0, words="no data"),
            downtime=Prediction(seconds=0, source="it ends"),
            duration=history.duration or Prediction(seconds=GUESS_S, source="a guess; not measured here yet"),
            way_back="`maintenance_on` shows the page again.",
            confirm=parameters.application,
            notes=[
                f"It has been on since {show_since(str(observed['since']))}.",
                "See first that what was repaired is whole.",
                *tell_silent(observed),
            ],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        return []

    def steps(self) -> list[Step[OnApplication]]:
        return [Step("open", "Take the page away on each host", open_again, phase="restart")]

    def verify(self, context: Context[OnApplication]) -> Evidence:
        application = context.world.policy.applications[context.parameters.application]
        flags, silent = ask_flags(context.world, context.parameters.application)
        status, _ = ask_as_user(application)
        away, hosts = sum(one is None for one in flags.values()), len(flags) + len(silent)
        shut = status in (None, requests.codes.service_unavailable)
        unasked = f"; not asked: {', '.join(silent)}" if silent else ""
        verdicts = [
            Verdict(
                name="Page",
                expected=f"gone on {show_count(hosts, 'host')}",
                found=f"on {away}{unasked}",
                good=away == hosts,
            ),
            Verdict(name="Users", expected="not 503", found=str(status or "no answer"), good=not shut),
            judge_health(application),
        ]
        return Evidence(verdicts, {}, f"Users are in again. `/dr undo {context.run_id}` shows the page again.")

    def clean_up(self, context: Context[OnApplication]) -> str:
        return tell_flags(context.world, context.parameters.application)

    def undo(self, parameters: OnApplication, plan: PlanDocument, outputs: dict[str, Facts]) -> Suggestion | None:
        return Suggestion(action="maintenance_on", label="Maintenance on", parameters=parameters.model_dump())


def open_again(context: Context[OnApplication]) -> Facts:
    """On every host that answers."""
    return on_each_host(context, remove_page)


ACTION = MaintenanceOff()
