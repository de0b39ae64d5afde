"""Remove what deploys and repairs leave on the application's hosts. (Document: Application Code; secrets, `.env`.)

Old releases with their virtual environments, unfinished deployments, and the copies that are kept of the environment
file whenever it is written: these hold the secrets of before. What runs, what ran before it and what a run under way
may put back stays.
"""

from __future__ import annotations

from pydantic import Field

from bot.outcome import Cancelled, Failed, Refused
from bot.recovery.action import Context, Evidence, Facts, History, Needless, Step, World
from bot.recovery.host_pruning import (
    HostPruning,
    OnHost,
    count_kinds,
    find_host_pruning,
    list_left,
    read_host_pruning,
    remove_leftovers,
    spare_busy,
)
from bot.recovery.on_application import ApplicationAction, OnApplication
from bot.recovery.on_hosts import open_application_hosts
from bot.store.documents import Loss, PlanDocument, Prediction, Verdict
from bot.systems.hosts.leftovers import show_age
from bot.systems.hosts.opening import OpenHost
from bot.words import show_count, show_duration, show_size

GUESS_S = 30.0
LISTED = 20
WAY_BACK = (
    "None: what is removed is removed. A release comes back from Git by `roll_back_code`, a secret's old value by "
    "`roll_back_secret`; `/dr undo` of a run that would need a copy says that it is gone."
)
EVERY_COPY = "Only the copies of old environments, and all of them, whatever their age."
NOT_OVERWRITTEN = "Files are deleted, not overwritten: snapshots of a disk that were taken before still have them."


class PruneHost(OnApplication):
    old_secrets: bool = Field(
        default=False,
        title="Old secrets, all of them",
        description="Nothing but the copies of environment files, whatever their age: after a security incident.",
    )


class PruneHosts(ApplicationAction[PruneHost]):
    name = "prune_hosts"
    purpose = "Remove old releases, unfinished deployments and copies of old secrets from the application's hosts"
    risk = "high"
    parameters = PruneHost

    def observe(self, world: World, parameters: PruneHost) -> Facts:
        """What would go, host by host. Raises `Refused` where there is nothing, or no host can be looked at."""
        pruning = find_host_pruning(world, parameters.application, old_secrets=parameters.old_secrets)
        if pruning.count == 0:
            raise tell_nothing(pruning)
        facts: Facts = pruning.model_dump(mode="json")
        return facts

    def plan(self, world: World, parameters: PruneHost, observed: Facts, history: History) -> PlanDocument:
        pruning, title = read_host_pruning(observed), world.policy.applications[parameters.application].title
        what = (
            "all copies of old secrets" if parameters.old_secrets else f"{show_size(pruning.size_bytes)} of leftovers"
        )
        expected = Prediction(seconds=GUESS_S * len(pruning.hosts), source="a guess; not measured here yet")
        return self.document(
            parameters,
            observed,
            title=f"Remove {what} from the hosts of {title}",
            loss=Loss(seconds=0, rows=0, words="no data; what runs and what ran before it stays"),
            downtime=Prediction(seconds=0, source="nothing that runs is touched"),
            duration=history.duration or expected,
            way_back=WAY_BACK,
            notes=[*tell_hosts(world, parameters, pruning), EVERY_COPY if parameters.old_secrets else tell_rules(world),
                   NOT_OVERWRITTEN],
        )  # fmt: skip

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        """More may have become old. What is to go must not be what runs by now, or what a run may put back."""
        before, after = read_host_pruning(planned), read_host_pruning(now)
        return [
            f"{one.name} is needed on {key} by now"
            for key, host in before.hosts.items()
            for one in host.found
            if key in after.hosts and one.name in (*after.hosts[key].used, *after.hosts[key].spared)
        ]

    def steps(self) -> list[Step[PruneHost]]:
        return [Step("remove", "Remove it on each host, the secrets first", remove, removed)]

    def verify(self, context: Context[PruneHost]) -> Evidence:
        pruning = read_host_pruning(context.plan.observed)
        left = {host.host.title: list_left(context.world, host, on.found) for host, on in list_hosts(context, pruning)}
        verdicts = [
            Verdict(
                name=host.host.title,
                expected=f"{count_kinds(on.found)} gone",
                found=f"still there: {', '.join(left[host.host.title])}" if left[host.host.title] else "gone",
                good=not left[host.host.title],
            )
            for host, on in list_hosts(context, pruning)
        ]
        verdicts += [
            Verdict(name=title, expected="nothing that should go", found=f"not looked at: {reason}", good=False)
            for title, reason in pruning.silent.items()
        ]
        if any(left.values()):
            return Evidence(verdicts, words="What is still there is in use, or was put there again.")
        size = pruning.size_bytes
        return Evidence(verdicts, {"freed_bytes": size}, f"{show_size(size)} of the hosts' disks are free again.")

    def clean_up(self, context: Context[PruneHost]) -> str:
        """Nothing to remove; says how far it came. A host that does not answer is often why the run stopped."""
        said = list[str]()
        for host, on in list_hosts(context, read_host_pruning(context.plan.observed)):
            try:
                left = list_left(context.world, host, on.found)
                said.append(f"{host.host.title}: {len(on.found) - len(left)} of {len(on.found)} are removed")
            except (Refused, Failed) as error:
                said.append(f"{host.host.title}: not known, {error.reason}")
        return f"{'; '.join(said)}. What runs was not touched."


def tell_nothing(pruning: HostPruning) -> Refused:
    """Nothing is to be done only where every host was looked at, and no run keeps what is there."""
    nothing = "No host has anything that may go."
    if pruning.silent:
        return Refused(f"{nothing} Not looked at: {', '.join(pruning.silent)}.", "Ask again once they answer.")
    blind = [key for key, one in pruning.hosts.items() if one.blind]
    if blind:
        return Refused(
            f"{nothing} On {', '.join(blind)} old releases stay, since where processes of others work cannot be seen.",
            "Let `hosts.*.commands.python` of the policy run as root there, such as `[sudo, python3]`.",
        )
    if any(one.spared for one in pruning.hosts.values()):
        return Refused(f"{nothing} What is there may be needed by a run that is under way.", "Ask again afterwards.")
    return Needless(nothing, "Nothing is to be done.")


def remove(context: Context[PruneHost]) -> Facts:
    """Host by host; what was removed before a crash is gone already."""
    pruning, busy = read_host_pruning(context.plan.observed), context.world.under_way()
    for host, on in list_hosts(context, pruning):
        if context.cancelled():
            raise Cancelled(f"Stopped before {host.host.title}.")
        context.progress(f"removing {count_kinds(on.found)} on {host.host.title}")
        remove_leftovers(context, host, spare_busy(on, busy).found)
    return tell_removed(pruning)


def removed(context: Context[PruneHost]) -> Facts | None:
    """Whether nothing of the plan is on any host any more."""
    pruning = read_host_pruning(context.plan.observed)
    if any(list_left(context.world, host, on.found) for host, on in list_hosts(context, pruning)):
        return None
    return tell_removed(pruning)


def list_hosts(context: Context[PruneHost], pruning: HostPruning) -> list[tuple[OpenHost, OnHost]]:
    """Those on which something is to go."""
    hosts = open_application_hosts(context.world, context.parameters.application)
    return [(host, pruning.hosts[host.key]) for host in hosts if host.key in pruning.hosts and
            pruning.hosts[host.key].found]  # fmt: skip


def tell_removed(pruning: HostPruning) -> Facts:
    found = [one for host in pruning.hosts.values() for one in host.found]
    return {"removed": len(found), "words": count_kinds(found)}


def tell_rules(world: World) -> str:
    rules = world.policy.infrastructure.leftovers
    return (
        f"Stays by the policy: the {rules.keep_releases} releases that were used last, any release for "
        f"{show_duration(rules.releases_for)}, copies of old secrets for {show_duration(rules.old_secrets_for)}."
    )


def tell_hosts(world: World, parameters: PruneHost, pruning: HostPruning) -> list[str]:
    """For each host what goes, what is in the way of more, and the names."""
    notes = list[str]()
    for host in open_application_hosts(world, parameters.application):
        on, title = pruning.hosts.get(host.key), host.host.title
        if on is None:
            notes.append(f"{title} was not looked at, and is left out: {pruning.silent.get(title, 'it is new')}")
            continue
        notes.append(f"{title}: {count_kinds(on.found) or 'nothing'}, {show_size(on.size_bytes)} in all.")
        notes += [f"{title}: {words}" for words in (*tell_limits(on), *tell_names(on))]
    return notes


def tell_limits(on: OnHost) -> list[str]:
    said = [f"stays, for it runs or ran before: {', '.join(on.used)}."] if on.used else []
    if on.blind:
        said.append(
            f"no release goes: where processes of others work cannot be seen ({', '.join(on.hidden)}…). It takes root: "
            "`commands: {python: [sudo, python3]}` for this host in the policy, or `leftovers.one_user` where only one "
            "user ever works there."
        )
    if on.links:
        said.append(f"{', '.join(on.links)} is a link, and is left alone.")
    if on.spared:
        said.append(f"stays, for a run under way may put it back: {', '.join(on.spared)}.")
    if on.more:
        said.append(f"{on.more} more are left for the next plan.")
    return said


def tell_names(on: OnHost) -> list[str]:
    lines = [
        f"{one.kind} {one.name}, {show_age(one.age_s)} old, {show_size(one.size_bytes)}" for one in on.found[:LISTED]
    ]
    rest = len(on.found) - LISTED
    return [*lines, f"and {show_count(rest, 'other')}, all in the plan"] if rest > 0 else lines


ACTION = PruneHosts()
