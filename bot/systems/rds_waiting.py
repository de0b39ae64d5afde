"""Waiting for RDS: every state that an instance may be in, and what it means for somebody who waits.

The stock waiters give up after 30 minutes and never notice several of the bad states.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from bot.systems.aws import AwsUnclear
from bot.systems.outcomes import SystemCancelled, SystemFailed
from bot.systems.rds import Instance, Rds, Snapshot
from bot.words import show_duration

Found = TypeVar("Found")

# RDS User Guide, "Viewing DB instance status". What is in neither table is waited for: RDS invents new words, and
# every one of them that was temporary so far had an end.
READY = ("available", "storage-optimization", "storage-initialization", "storage-config-upgrade")
BAD = {
    "failed": "it failed and RDS cannot recover it",
    "restore-error": "the restore failed",
    "incompatible-create": "its settings do not fit each other",
    "incompatible-network": "its subnets, addresses or security groups are not to be had",
    "incompatible-option-group": "its option group does not fit",
    "incompatible-parameters": "its parameter group does not fit its class",
    "incompatible-restore": "the backup cannot be restored with these settings",
    "inaccessible-encryption-credentials": "its KMS key cannot be used",
    "inaccessible-encryption-credentials-recoverable": "its KMS key cannot be used",
    "insufficient-capacity": "AWS has no machine of this class there now",
    "storage-full": "its storage is full",
    "stopped": "it is stopped",
    "stopping": "somebody is stopping it",
    "delete-precheck": "somebody is deleting it",
    "deleting": "somebody is deleting it",
}
GOING = ("deleting", "delete-precheck")
SNAPSHOT_BAD = ("failed", "deleting", "deleted", "incompatible-restore")


@dataclass(frozen=True)
class Pace:
    """How often to look, and when to give up."""

    every_s: float
    limit_s: float


@dataclass(frozen=True)
class Watch:
    """Who waits: how patiently, whom it tells, and who may call it off."""

    pace: Pace
    progress: Callable[[str], None]
    cancelled: Callable[[], bool] = lambda: False


def is_ready(instance: Instance) -> bool:
    """Whether it is up and may be changed."""
    return instance.status in READY


def wait_for_instance(
    rds: Rds,
    identifier: str,
    watch: Watch,
    reached: Callable[[Instance], bool] = is_ready,
    bad: Mapping[str, str] = BAD,
) -> Instance:
    """Wait until `reached`. "available" alone says little: RDS reports it before a change has begun.

    Raises SystemFailed in a `bad` state, when it vanishes, or at the limit; SystemCancelled as soon as that is asked.
    """

    def look() -> Instance | None:
        found = rds.find(identifier)
        if found is None:
            raise SystemFailed(f"{identifier} is not there any more.", "", "Somebody deleted it; see RDS's events.")
        if found.status in bad:
            raise SystemFailed(
                f"{identifier} is {found.status}: {bad[found.status]}.", "", "RDS's events of the instance say more."
            )
        watch.progress(f"{identifier} is {found.status}")
        return found if reached(found) else None

    return _wait(identifier, look, watch)


def wait_for_snapshot(rds: Rds, identifier: str, watch: Watch) -> Snapshot:
    """Wait until the snapshot can be used. Raises SystemFailed and SystemCancelled as above."""

    def look() -> Snapshot | None:
        found = rds.find_snapshot(identifier)
        if found is None or found.status in SNAPSHOT_BAD:
            what = "not there any more" if found is None else found.status
            raise SystemFailed(f"Snapshot {identifier} is {what}.", "", "RDS's events say more; ask for a new plan.")
        watch.progress(f"{identifier} is {found.status}, {found.progress_percent} %")
        return found if found.status == "available" else None

    return _wait(f"snapshot {identifier}", look, watch)


def wait_until_gone(rds: Rds, identifier: str, watch: Watch) -> None:
    """Wait until a deleted instance is not there any more."""

    def look() -> bool | None:
        found = rds.find(identifier)
        if found is not None:
            watch.progress(f"{identifier} is {found.status}")
        return found is None or None

    _wait(f"the end of {identifier}", look, watch)


def wait_until_seen(what: str, look: Callable[[], bool], watch: Watch) -> None:
    """Wait for anything else that shows with a delay."""
    _wait(what, lambda: look() or None, watch)


def _wait(what: str, look: Callable[[], Found | None], watch: Watch) -> Found:
    """Look until there is something. That AWS does not answer for a while is no reason to give up what it works on."""
    deadline_s = time.monotonic() + watch.pace.limit_s
    while True:
        if watch.cancelled():
            raise SystemCancelled
        try:
            found = look()
        except AwsUnclear as error:
            watch.progress(f"AWS does not answer: {error.reason}")
            found = None
        if found is not None:
            return found
        if time.monotonic() >= deadline_s:
            limit = show_duration(watch.pace.limit_s)
            raise SystemFailed(f"Waited {limit} for {what}.", "", "It may still come; look at it in RDS.")
        time.sleep(watch.pace.every_s)
