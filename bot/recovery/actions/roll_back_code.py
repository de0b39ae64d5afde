"""Let an application run an earlier release again. (Document: Code Rollback.)

Without a revision it is the release that ran before, which is still on the hosts: no repository is needed for it.
"""

from __future__ import annotations

from pydantic import Field

from bot.outcome import Failed, Refused
from bot.recovery.action import Context, Facts, World
from bot.recovery.code_changes import BRING_S, CodeAction, CodeChange
from bot.recovery.releases import Revision, current_of, fetch, find_release, look_up
from bot.systems.hosts.opening import OpenHost


class RollBack(CodeChange):
    revision: Revision | None = Field(
        default=None,
        title="Back to",
        description="A tag, a commit or a release that is on the hosts; nothing for the one that ran before.",
    )


class RollBackCode(CodeAction[RollBack]):
    name = "roll_back_code"
    purpose = "Let the application run an earlier release again, host by host"
    parameters = RollBack
    verb = "Roll back to"

    def disaster(self, world: World, parameters: RollBack) -> str | None:
        return next((key for key in ("application_crash",) if key in world.policy.disasters), None)

    def find_target(self, world: World, parameters: RollBack, hosts: list[OpenHost], seen: dict[str, Facts]) -> Facts:
        wanted = parameters.revision or find_previous(hosts, seen)
        kept = {key: find_kept(one, wanted) for key, one in seen.items()}
        release = next((one for one in kept.values() if one is not None), None)
        if release is None:
            found = look_up(world, hosts[0], wanted, current_of(seen[hosts[0].key])[1])
            return {**found, "label": label_of(found)}
        if None in kept.values() and not str(release.get("revision") or "").startswith(str(release["name"])):
            lacking = [host.host.title for host in hosts if kept[host.key] is None]
            raise Refused(
                f"{wanted} is not on {', '.join(lacking)}, and in no repository under that name.",
                "Choose another release.",
            )
        return {**release, "label": label_of(release), **find_commits(world, hosts[0], seen, release)}

    def bring(self, context: Context[RollBack], host: OpenHost) -> Facts:
        return fetch(context, host, str(context.plan.observed["revision"]), BRING_S)


def find_kept(seen: Facts, wanted: str) -> Facts | None:
    """A release that is on the host by its name; its own code, where that is no release yet."""
    plain = seen["plain"]
    if isinstance(plain, dict) and plain["name"] == wanted:
        return plain
    return find_release(seen, wanted)


def find_previous(hosts: list[OpenHost], seen: dict[str, Facts]) -> str:
    """What ran before on all of them. Raises `Refused` where there is none, or more than one."""
    names = {host.host.title: seen[host.key]["previous"] for host in hosts}
    if len(set(names.values())) == 1 and None not in names.values():
        return str(next(iter(names.values())))
    told = "; ".join(f"{title}: {name or 'none'}" for title, name in names.items())
    raise Refused(f"There is no one release that ran before ({told}).", "Name one, such as `revision=v1.2.0`.")


def find_commits(world: World, host: OpenHost, seen: dict[str, Facts], release: Facts) -> Facts:
    """What lies between; that no repository knows it is no reason not to go back."""
    current = current_of(seen[host.key])[1]
    nothing: Facts = {"going": None, "coming": None}
    if not release.get("revision") or current is None:
        return nothing
    try:
        found = look_up(world, host, str(release["revision"]), current)
    except Failed:
        return nothing
    return {"going": found["going"], "coming": found["coming"]}


def label_of(release: Facts) -> str:
    tags = release.get("tags")
    name = str(release["name"])
    return f"{tags[0]} ({name})" if isinstance(tags, list) and tags else name


ACTION = RollBackCode()
