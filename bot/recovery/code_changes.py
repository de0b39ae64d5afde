"""What every action has in common that lets an application's hosts run another release.

The code is brought to every host and gets what it needs beside what runs; only then is one host after the other
switched and restarted, healthy before the next. Nothing is removed: the way back is a switch to what was there before.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

from pydantic import Field, JsonValue

from bot.outcome import Cancelled, Failed, Refused
from bot.recovery.action import Context, Evidence, Facts, History, Needless, Step, World
from bot.recovery.application_restart import PERMISSIONS, restart_hosts
from bot.recovery.backups import recovery_url
from bot.recovery.code_hosts import (
    Asked,
    ask_hosts,
    compare_running,
    is_begun,
    judge_left_out,
    name_left_out,
    open_planned,
    tell_left_out,
)
from bot.recovery.code_notes import describe_later, describe_way_back, list_notes, name_before
from bot.recovery.final_look import ask_application
from bot.recovery.on_application import ApplicationAction, OnApplication
from bot.recovery.releases import (
    current_of,
    find_release,
    finish,
    switch,
)
from bot.recovery.side_plan import list_moved
from bot.store.documents import Loss, PlanDocument, Prediction, Risk, Suggestion, Verdict
from bot.systems.hosts.opening import OpenHost
from bot.systems.hosts.releases import is_astray, read_releases
from bot.systems.schema_version import read_schema_versions
from bot.words import show_duration

BRING_S = 900.0
"""For a repository's first way to a host, and for what a release needs."""
GUESS_S = 20.0


class CodeChange(OnApplication):
    """What each of these actions asks for."""

    accept_schema: bool = Field(
        default=False,
        title="Although the database is newer",
        description="Only where the release can work with a database that had migrations which it does not know.",
    )


C = TypeVar("C", bound=CodeChange)


class CodeAction(ApplicationAction[C]):
    """An action that lets the hosts run another release; a subclass says which, and how it comes to a host."""

    risk: ClassVar[Risk] = "high"
    permissions: ClassVar[tuple[str, ...]] = PERMISSIONS
    verb: ClassVar[str] = "Deploy"

    @abstractmethod
    def find_target(self, world: World, parameters: C, hosts: list[OpenHost], seen: dict[str, Facts]) -> Facts:
        """The release: `name`, `revision` (a commit, or None), `label` for people, `migrations`, `going`, `coming`.

        Raises `Refused` or `Failed` where there is none.
        """

    @abstractmethod
    def bring(self, context: Context[C], host: OpenHost) -> Facts:
        """Bring the code to a host that does not have the release; gives back its `source`."""

    def application(self, world: World, parameters: C) -> str | None:
        return parameters.application

    def observe(self, world: World, parameters: C) -> Facts:
        """What each host that answers has, what it is to have, and whether the database knows a schema that it does
        not.
        """
        asked = ask_hosts(world, parameters.application)
        target = self.find_target(world, parameters, asked.hosts, asked.seen)
        due = asked.list_due(str(target["name"]))
        if not due:
            raise tell_nothing(world, str(target["label"]), asked)
        return {
            "running": dict(asked.running),
            "due": list(due),
            "left_out": dict(asked.away),
            "since": {key: one["since"] for key, one in asked.seen.items()},
            "unseen": [host.host.title for host in asked.hosts if is_astray(asked.seen[host.key])],
            **{key: target.get(key) for key in ("name", "revision", "label", "going", "coming", "pinned", "note")},
            **check_schema(world, parameters, target),
        }

    def plan(self, world: World, parameters: C, observed: Facts, history: History) -> PlanDocument:
        hosts, due = open_planned(world, observed), open_planned(world, observed, "due")
        expected = Prediction(seconds=GUESS_S * len(due), source="a guess; not measured here yet")
        pause = Prediction(seconds=0, source="the other hosts serve") if len(hosts) > 1 else expected
        title = f"{self.verb} {observed['label']} of {world.policy.applications[parameters.application].title}"
        without = name_left_out(world, observed)
        return self.document(
            parameters,
            observed,
            title=f"{title}, WITHOUT {', '.join(without)}" if without else title,
            loss=Loss(seconds=0, rows=0, words="no data; what users are typing may have to be sent again"),
            downtime=history.downtime or pause,
            duration=history.duration or expected,
            way_back=describe_way_back(observed),
            confirm=parameters.application,
            notes=[
                *tell_left_out(world, observed, describe_later(self.name, parameters.application, observed)),
                *list_notes(world, hosts, due, observed),
            ],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        running = now["running"]
        assert isinstance(running, dict)
        others = list_moved(planned, now, ("name", "revision", "unknown_migrations", "pinned"))
        return [*compare_running(planned, running), *others]

    def look_again(self, world: World, parameters: C, planned: Facts, *, tried: bool) -> list[str]:
        """Where the run has switched a host it finishes what was approved, on hosts that have the one release or the
        other: that a branch has gone on meanwhile, or that Git is away, is no reason to leave them different.
        """
        if tried:
            running = ask_hosts(world, parameters.application).running
            if is_begun(planned, running):
                return compare_running(planned, running)
        return super().look_again(world, parameters, planned, tried=tried)

    def steps(self) -> list[Step[C]]:
        return [
            Step("fetch", "Bring the code to each host, beside what runs", self.fetch, phase="retrieval"),
            Step("install", "Install what it needs", install),
            Step(
                "switch", "Switch and restart host by host, each healthy before the next", switch_hosts,
                phase="restart", piecemeal=True,
            ),
        ]  # fmt: skip

    def fetch(self, context: Context[C]) -> Facts:
        """To every host before any of them is switched."""
        sources = dict[str, JsonValue]()
        for host in open_planned(context.world, context.plan.observed):
            stop_if_cancelled(context, "Nothing runs that did not run before.")
            context.progress(f"bringing the code to {host.host.title}")
            kept = find_release(read_releases(host), str(context.plan.observed["name"]))
            sources[host.key] = "kept" if kept else self.bring(context, host).get("source")
        return {"sources": sources, "words": f"on {len(sources)} hosts" if len(sources) > 1 else "it is there"}

    def verify(self, context: Context[C]) -> Evidence:
        return measure(context)

    def clean_up(self, context: Context[C]) -> str:
        """A release that lies ready is in nobody's way; what matters is which host has what."""
        hosts = open_planned(context.world, context.plan.observed)
        lines = [f"{host.host.title} {_tell_settled(context, host)}" for host in hosts]
        return f"{'; '.join(lines)}. `/dr plan roll_back_code` lets all have the same."

    def undo(self, parameters: C, plan: PlanDocument, outputs: dict[str, Facts]) -> Suggestion | None:
        before = name_before(plan.observed)
        if before is None:
            return None
        return Suggestion(
            action="roll_back_code", label="Back to the release before",
            parameters={"application": parameters.application, "revision": before},
        )  # fmt: skip


def tell_nothing(world: World, label: str, asked: Asked) -> Refused:
    """Nothing is to be done only where every host was asked: one that does not answer may have another release."""
    away = [world.policy.hosts[key].title for key in asked.away]
    if away:
        has = "have" if len(away) > 1 else "has"
        return Refused(
            f"{label} is what every host has that answers. What {' and '.join(away)} {has} is not known: no answer.",
            "`/dr diagnose application` looks at it. Plan this again once it answers, before users get there; "
            "`/dr plan replace_server` where it does not come back. A playbook's step may be skipped for now.",
        )
    proof = asked.prove(world.policy, label)
    return Needless(f"{label} is what every host has already.", "`restart_application` starts it again.", proof)


def install(context: Context[Any]) -> Facts:
    """What it needs; only then does it get its name among the releases."""
    name = str(context.plan.observed["name"])
    for host in open_planned(context.world, context.plan.observed):
        stop_if_cancelled(context, "Nothing runs that did not run before.")
        context.progress(f"installing what it needs on {host.host.title}")
        finish(context, host, name, BRING_S)
    return {"name": name, "words": f"{name} is ready"}


def switch_hosts(context: Context[Any]) -> Facts:
    """Each host in turn; one that was switched and restarted before a crash is only looked at."""
    name, application = str(context.plan.observed["name"]), context.parameters.application
    due = open_planned(context.world, context.plan.observed, "due")
    try:
        return restart_hosts(context, application, prepare=lambda host: switch(context, host, name), hosts=due)
    except Failed as failed:
        back = name_before(context.plan.observed)
        way = f" `/dr plan roll_back_code {application} revision={back}` goes back." if back else ""
        raise Failed(failed.reason, failed.true_now, f"{failed.next_step}{way}") from failed


def measure(context: Context[Any]) -> Evidence:
    """What each host has and what its processes work in, and what users find."""
    name, hosts = context.plan.observed["name"], open_planned(context.world, context.plan.observed)
    seen = [read_releases(host) for host in hosts]
    switched = [one for one in seen if one["current"] == name]
    working = [one["running"] for one in seen if isinstance(one["running"], dict)]
    right = [one for one in working if name in one]
    verdicts = [
        Verdict(
            name="Release", expected=f"{name} on {len(hosts)}", found=f"on {len(switched)}",
            good=len(switched) == len(hosts),
        ),
        *(
            [Verdict(
                name="Processes", expected=f"work in {name} on each host",
                found=f"on {len(right)} of {len(working)}" + ("" if right else ": the service does not start there"),
                good=len(right) == len(working),
            )] if working else []
        ),
        *judge_left_out(context),
        *ask_application(context.world.policy.applications[context.parameters.application]),
    ]  # fmt: skip
    gap_s = float(str(context.outputs["switch"]["gap_s"]))
    measured: Facts = {"release": name, "downtime_s": gap_s, "downtime": f"{show_duration(gap_s)} seen by a client"}
    return Evidence(
        verdicts, measured, f"{context.plan.observed['label']} runs; `/dr undo {context.run_id}` goes back."
    )


def check_schema(world: World, parameters: CodeChange, target: Facts) -> Facts:
    """Raises `Refused` where the database had migrations that the release does not know, unless that is accepted: then
    `unknown_migrations` are what is accepted.
    """
    return {"unknown_migrations": [], **_check_schema(world, parameters, target)}


def _check_schema(world: World, parameters: CodeChange, target: Facts) -> Facts:
    try:
        versions = find_schema(world, parameters.application)
    except (Failed, Refused) as trouble:
        return {"schema": None, "schema_note": f"Whether the database fits was not seen: {trouble.reason}"}
    known = target.get("migrations")
    if versions is None:
        return {"schema": None, "schema_note": "The database keeps no Alembic version: whether it fits was not seen."}
    if not isinstance(known, list):
        return {"schema": list(versions), "schema_note": "Which migrations the release knows is seen when it is there."}
    missing = [one for one in versions if one not in known]
    if missing and not parameters.accept_schema:
        raise Refused(
            f"The database is at migration {', '.join(missing)}, which {target['label']} does not know.",
            "Choose a release that does. Where the older code works with the newer tables, plan it with "
            "`accept_schema=yes`.",
        )
    if missing:
        said = f"ACCEPTED: it does not know migration {', '.join(missing)}."
        return {"schema": list(versions), "unknown_migrations": list(missing), "schema_note": said}
    return {"schema": list(versions), "schema_note": "It knows the migrations that the database has had."}


def find_schema(world: World, application: str) -> list[str] | None:
    """Alembic's revisions of the application's database. Raises `Refused` where the policy names none for it, as for
    one in the second region.
    """
    for name, settings in world.policy.databases.items():
        if settings.application == application:
            return read_schema_versions(recovery_url(world.environment, name, settings))
    raise Refused(f"No database of the policy is that of {application}.", "Look at its migrations yourself.")


def settle(context: Context[Any], host: OpenHost) -> str:
    """What a host has; one that was switched and not restarted is switched back to what still works there."""
    seen, running = read_releases(host), context.plan.observed["running"]
    assert isinstance(running, dict)
    before = running[host.key]
    if seen["current"] == context.plan.observed["name"] and before and is_astray(seen):
        working = seen["running"]
        if isinstance(working, dict) and before in working:
            switch(replace(context, cancelled=lambda: False), host, str(before))
            return str(before)
    return current_of(seen)[0] or "no release"


def _tell_settled(context: Context[Any], host: OpenHost) -> str:
    """One that does not answer is often why the run stopped: the others are settled and told of all the same."""
    try:
        return f"has {settle(context, host)}"
    except (Refused, Failed) as error:
        return f"cannot be asked what it has ({error.reason})"


def stop_if_cancelled(context: Context[Any], words: str) -> None:
    if context.cancelled():
        raise Cancelled(words)
