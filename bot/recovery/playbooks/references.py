"""Parameters of playbook steps that are looked up: the policy names them, here they are found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from bot.outcome import Refused
from bot.policy import PlaybookStep, ReferenceName
from bot.recovery.action import World
from bot.recovery.backups import find_backups, settings_of
from bot.recovery.failed_servers import find_failed
from bot.recovery.instances import find_second_instance
from bot.recovery.playbooks.revisions import ask_revision

MAIN = "main"
"""The branch that the document deploys."""


@dataclass(frozen=True)
class Occasion:
    """What a playbook is run for."""

    world: World
    database: str
    before: datetime
    """When the trouble was noticed, at the latest; what came later may have it in itself."""
    read_deployed: Callable[[str], str | None] = lambda application: None
    """The commit that Holdfast has put on an application's hosts lately."""


def find_parameters(step: PlaybookStep, occasion: Occasion) -> dict[str, JsonValue]:
    """The parameters of a step's action. Raises `Refused` or `Failed` where one cannot be found."""
    found: dict[str, JsonValue] = dict(step.parameters)
    for name, reference in step.references.items():
        found[name] = REFERENCES[reference](occasion)
    return found


def find_backup_before(occasion: Occasion) -> str:
    """A backup that was taken since then may hold the very damage: the playbook itself takes such a one."""
    backups = find_backups(occasion.world, occasion.database).backups
    for manifest in backups:
        if manifest.snapshot_at <= occasion.before:
            return manifest.key
    raise Refused(
        f"There is no verified backup of {occasion.database} from before {occasion.before:%Y-%m-%d %H:%M:%S} UTC.",
        "`/dr restore` shows all backups; a restore of a later one is a plan of its own.",
    )


def find_revision(occasion: Occasion, *, standby: bool) -> str:
    """What runs in the second region, or ran in the first; the main branch where that is not known."""
    policy = occasion.world.policy
    home = settings_of(occasion.world, occasion.database).application
    keys = [key for key, one in policy.applications.items() if one.standby] if standby else [home]
    ways = (lambda key: ask_revision(occasion.world, key), occasion.read_deployed)
    return next((found for key in keys for way in ways if (found := way(key))), MAIN)


REFERENCES: dict[ReferenceName, Callable[[Occasion], str]] = {
    "database": lambda occasion: occasion.database,
    "newest_verified_backup": find_backup_before,
    "rds_instance": lambda occasion: occasion.world.policy.infrastructure.rds.instance,
    "first_region_revision": lambda occasion: find_revision(occasion, standby=False),
    "second_region_revision": lambda occasion: find_revision(occasion, standby=True),
    "failed_server": lambda occasion: find_failed(occasion.world),
    "rds_restored_instance": lambda occasion: occasion.world.policy.infrastructure.rds.restored_instance,
    "second_region_instance": lambda occasion: find_second_instance(occasion.world),
    "rds_read_replica": lambda occasion: occasion.world.policy.infrastructure.rds.read_replica,
}
