"""Keep users out while something is repaired: the maintenance page. (Document: Application Failover Test, step 2.)"""

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
    put_page,
    show_since,
    tell_flags,
    tell_silent,
    tell_unasked,
)
from bot.recovery.on_application import ApplicationAction, OnApplication
from bot.recovery.side_plan import list_moved
from bot.recovery.touched import name_page
from bot.store.documents import Loss, PlanDocument, Prediction, Suggestion, Verdict
from bot.words import show_count

GUESS_S = 5.0


class MaintenanceOn(ApplicationAction[OnApplication]):
    name = "maintenance_on"
    purpose = "Show users the maintenance page instead of the application"
    risk = "high"
    parameters = OnApplication

    def target(self, parameters: OnApplication) -> str:
        return name_page(parameters.application)

    def touches(self, policy: Policy, parameters: OnApplication) -> frozenset[str]:
        """The page alone: users are kept out while something else is at work on the hosts, above all then."""
        return frozenset({self.target(parameters)})

    def observe(self, world: World, parameters: OnApplication) -> Facts:
        """A host that does not answer is left out: users are kept off the others all the same."""
        flags, silent = ask_flags(world, parameters.application)
        if not flags:
            raise Refused(f"No host answers: {'; '.join(map(str, silent.values()))}", "See to that first.")
        if all(flags.values()):
            # Only where every host was asked is there nothing to do.
            since = show_since(min(map(str, flags.values())))
            words = f"Maintenance mode is on already, since {since}.{tell_unasked(silent)}"
            raise (Refused if silent else Needless)(words, "`/dr plan maintenance_off` ends it.")
        return {"on": {key: since is not None for key, since in flags.items()}, "silent": {**silent}}

    def plan(self, world: World, parameters: OnApplication, observed: Facts, history: History) -> PlanDocument:
        title = world.policy.applications[parameters.application].title
        return self.document(
            parameters,
            observed,
            title=f"Maintenance mode of {title} on",
            loss=Loss(seconds=0, rows=0, words="no data; what users are typing cannot be sent until it is off again"),
            downtime=Prediction(seconds=None, source="from then on, until maintenance_off is run"),
            duration=history.duration or Prediction(seconds=GUESS_S, source="a guess; not measured here yet"),
            way_back="`maintenance_off`; until then `/dr diagnose application` says that it is on, and since when.",
            confirm=parameters.application,
            notes=[
                "Everything is answered with status 503 and a page that says so; health goes on answering.",
                *tell_silent(observed),
            ],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        return list_moved(planned, now, ("on",))

    def steps(self) -> list[Step[OnApplication]]:
        return [Step("show", "Put the page on each host", show, phase="restart")]

    def verify(self, context: Context[OnApplication]) -> Evidence:
        application = context.world.policy.applications[context.parameters.application]
        flags, silent = ask_flags(context.world, context.parameters.application)
        status, says_when = ask_as_user(application)
        there, hosts = sum(one is not None for one in flags.values()), len(flags) + len(silent)
        unasked = f"; not asked: {', '.join(silent)}" if silent else ""
        verdicts = [
            Verdict(
                name="Page", expected=f"on {show_count(hosts, 'host')}", found=f"on {there}{unasked}",
                good=there == hosts,
            ),
            Verdict(
                name="Users", expected="503 with Retry-After",
                found=f"{status or 'no answer'}{', with Retry-After' if says_when else ', without Retry-After'}",
                good=status == requests.codes.service_unavailable and says_when,
            ),
            judge_health(application),
        ]  # fmt: skip
        return Evidence(verdicts, {}, f"Users are kept out. `/dr undo {context.run_id}` lets them in again.")

    def clean_up(self, context: Context[OnApplication]) -> str:
        return tell_flags(context.world, context.parameters.application)

    def undo(self, parameters: OnApplication, plan: PlanDocument, outputs: dict[str, Facts]) -> Suggestion | None:
        return Suggestion(action="maintenance_off", label="Maintenance off", parameters=parameters.model_dump())


def show(context: Context[OnApplication]) -> Facts:
    """A host that answered when it was planned has to get it: who asks for the page may rest on that."""
    silent = context.plan.observed["silent"]
    return on_each_host(context, put_page, silent if isinstance(silent, dict) else ())


ACTION = MaintenanceOn()
