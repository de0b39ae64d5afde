"""What one section of the policy takes for granted about another, checked when it is loaded.

Each contradiction is the path of the key that is wrong, and the rule that it breaks.
"""

import difflib
from collections.abc import Collection, Iterator
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, get_args

from bot.policy.approval import Risk
from bot.policy.people import Person
from bot.policy.satisfaction import find_unsatisfiable_approvals
from bot.policy.section import KeyPath
from bot.policy.severities import SeverityName

if TYPE_CHECKING:
    from bot.policy.policy import Policy

Contradiction = tuple[KeyPath, str]
Reference = tuple[KeyPath, str, str]  # where it stands, the section that it points into, the key there


class Contradictions(ValueError):
    """The sections of a policy contradict one another; `found` lists where and why."""

    def __init__(self, found: list[Contradiction]) -> None:
        """Keep the contradictions for whoever knows the lines of the file."""
        super().__init__("; ".join(f"{'.'.join(map(str, path))}: {rule}" for path, rule in found))
        self.found = found


def find_contradictions(policy: "Policy") -> Iterator[Contradiction]:
    """Yield every contradiction in a policy whose sections are right by themselves."""
    yield from find_missing_entries(policy)
    yield from find_dangling_references(policy)
    yield from find_dependency_cycles(policy)
    yield from find_ambiguous_people(policy)
    yield from find_unsatisfiable_approvals(policy)
    yield from find_unknown_phases(policy)
    yield from find_open_secrets(policy)


def find_missing_entries(policy: "Policy") -> Iterator[Contradiction]:
    """Yield the severities and risks that are not decided."""
    for path, present, needed in (
        (("severities",), policy.severities, get_args(SeverityName)),
        (("slack", "invite_roles"), policy.slack.invite_roles, get_args(SeverityName)),
        (("approvals",), policy.approvals, get_args(Risk)),
    ):
        for name in needed:
            if name not in present:
                yield (*path, name), "is required"


def find_dangling_references(policy: "Policy") -> Iterator[Contradiction]:
    """Yield every mention of a role, component, disaster and so on that does not exist."""
    for path, section, name in list_references(policy):
        known = list_names(policy, section)
        if name not in known:
            yield path, f'"{name}" is not in `{section}`{suggest_name(name, known)}'


def list_names(policy: "Policy", section: str) -> Collection[str]:
    """The names that may be mentioned of a section."""
    if section == "people":
        return [person.key for person in policy.people]
    if section == "environments":
        return policy.environments()
    names: Collection[str] = getattr(policy, section)
    return names


def list_references(policy: "Policy") -> Iterator[Reference]:
    """Yield every mention of a key of another section."""
    yield from list_role_references(policy)
    for key, category in policy.categories.items():
        yield from point(("categories", key, "disaster_types"), "disasters", category.disaster_types)
    for severity, details in policy.severities.items():
        yield from point(("severities", severity, "audiences"), "audiences", details.audiences)
        yield from point(("severities", severity, "cadences"), "audiences", list(details.cadences))
    for key, component in policy.components.items():
        yield from point(("components", key, "depends_on"), "components", component.depends_on)
    for key, database in policy.databases.items():
        yield ("databases", key, "disaster"), "disasters", database.disaster
        yield ("databases", key, "rpo"), "rpo", database.rpo
        yield ("databases", key, "component"), "components", database.component
        yield ("databases", key, "application"), "applications", database.application
    for key, application in policy.applications.items():
        path = ("applications", key, "environment_secrets")
        yield from point(path, "secrets", application.environment_secrets)
    for key, host in policy.hosts.items():
        yield ("hosts", key, "application"), "applications", host.application
    for key, playbook in policy.playbooks.items():
        yield ("playbooks", key, "disaster"), "disasters", playbook.disaster
    yield from list_alert_references(policy)
    yield from point(("secrets_offline_copy", "holds"), "secrets", policy.secrets_offline_copy.holds)
    yield ("infrastructure", "rds", "database"), "databases", policy.infrastructure.rds.database
    if policy.channels.statuspage:
        yield from point(
            ("channels", "statuspage", "components"), "components", list(policy.channels.statuspage.components)
        )
    if policy.channels.status_site:
        yield from point(
            ("channels", "status_site", "components"), "components", policy.channels.status_site.components
        )


def list_alert_references(policy: "Policy") -> Iterator[Reference]:
    """The part of `list_references` that says what alerts are about."""
    for index, rule in enumerate(policy.alerts.rules):
        path = ("alerts", "rules", index)
        yield from point((*path, "components"), "components", rule.components)
        if rule.category:
            yield (*path, "category"), "categories", rule.category


def list_role_references(policy: "Policy") -> Iterator[Reference]:
    """The part of `list_references` that points into `roles`."""
    yield from point(("requesters",), "roles", policy.requesters)
    for index, person in enumerate(policy.people):
        yield from point(("people", index, "roles"), "roles", person.roles)
    yield from list_approval_references(policy)
    for key, category in policy.categories.items():
        yield from point(("categories", key, "private_roles"), "roles", category.private_roles)
    for severity, roles in policy.slack.invite_roles.items():
        yield from point(("slack", "invite_roles", severity), "roles", roles)
    for key, drill in policy.drills.items():
        yield from point(("drills", key, "participants"), "roles", drill.participants)
    yield from point(("updates", "responsible"), "roles", policy.updates.responsible)
    yield from point(("updates", "publishers"), "roles", policy.updates.publishers)
    for index, follow_up in enumerate(policy.post_incident):
        if follow_up.owner:
            yield ("post_incident", index, "owner"), "roles", follow_up.owner
    for role, rota in policy.on_call.items():
        yield ("on_call", role), "roles", role
        yield from point(("on_call", role, "people"), "people", rota.people)


def list_approval_references(policy: "Policy") -> Iterator[Reference]:
    """The part of `list_references` that says who may approve what."""
    for risk, rule in policy.approvals.items():
        yield from point(("approvals", risk, "roles"), "roles", rule.roles)
        yield from point(("approvals", risk, "people"), "people", rule.people)
    for index, exception in enumerate(policy.approval_exceptions):
        path = ("approval_exceptions", index)
        yield from point((*path, "roles"), "roles", exception.roles or [])
        yield from point((*path, "people"), "people", exception.people or [])
        yield from point((*path, "environments"), "environments", exception.environments)
    for index, blackout in enumerate(policy.blackouts):
        yield from point(("blackouts", index, "environments"), "environments", blackout.environments)
    yield from point(("break_glass", "roles"), "roles", policy.break_glass.roles)


def point(path: KeyPath, section: str, names: list[str]) -> Iterator[Reference]:
    """Yield one reference into a section for each name of a list."""
    for index, name in enumerate(names):
        yield (*path, index), section, name


def find_dependency_cycles(policy: "Policy") -> Iterator[Contradiction]:
    """Yield a circle in which components depend on one another; recovery would have no beginning."""
    try:
        TopologicalSorter({key: item.depends_on for key, item in policy.components.items()}).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        yield ("components", circle[0], "depends_on"), f"goes in a circle: {' → '.join(circle)}"


def find_ambiguous_people(policy: "Policy") -> Iterator[Contradiction]:
    """Yield every key, address, Slack id and login name that belongs to two people."""
    for field in ("key", "email", "slack_user_id", "os_user"):
        owners: dict[str, Person] = {}
        for index, person in enumerate(policy.people):
            value: str | None = getattr(person, field)
            if value is not None and owners.setdefault(value.lower(), person) is not person:
                yield ("people", index, field), f'"{value}" already belongs to {owners[value.lower()].name}'


def find_unknown_phases(policy: "Policy") -> Iterator[Contradiction]:
    """Yield the steps of playbooks whose time is to count for a phase that their disaster does not have."""
    for key, playbook in policy.playbooks.items():
        disaster = policy.disasters.get(playbook.disaster)
        known = {phase.name.lower() for phase in disaster.phases} if disaster else set()
        for index, step in enumerate(playbook.steps):
            if disaster and step.phase and step.phase.lower() not in known:
                yield (
                    ("playbooks", key, "steps", index, "phase"),
                    f'"{step.phase}" is not a phase of "{playbook.disaster}"{suggest_name(step.phase.lower(), known)}',
                )


def find_open_secrets(policy: "Policy") -> Iterator[Contradiction]:
    """Yield the secrets whose value stands in the policy, and would on the command lines of hosts."""
    for key, application in policy.applications.items():
        for name in application.environment_fixed:
            if name in policy.secrets:
                yield (
                    ("applications", key, "environment_fixed", name),
                    "is one of `secrets`: name it in `environment_secrets`, without its value",
                )


def suggest_name(name: str, known: Collection[str]) -> str:
    """A question that names the known name nearest to a wrong one; empty when none is near."""
    nearest = find_nearest(name, known)
    return f'; did you mean "{nearest}"?' if nearest else ""


def find_nearest(name: str, known: Collection[str]) -> str | None:
    """The known name most like a wrong one, or None when none is like it."""
    return next(iter(difflib.get_close_matches(name, known, n=1)), None)
