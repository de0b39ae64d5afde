"""The verified backups: how old the newest is, whether it is suspiciously small, and what may go. (Manual Backups.)"""

from __future__ import annotations

from bot.diagnostics.check import Check, Surroundings
from bot.store.documents import Finding, FindingState, Suggestion
from bot.systems.archives import StorageUnavailable, open_bucket
from bot.systems.backup_retention import find_drop
from bot.systems.dumps.listing import Listing, list_backups
from bot.words import show_duration, show_size

SHOWN = 5


class BackupsVerified(Check):
    name = "backups_verified"
    title = "Verified backups"
    scope = "backups"
    permissions = ("s3:ListBucket", "s3:GetObject")
    timeout_s = 30.0

    def run(self, surroundings: Surroundings) -> Finding:
        place, limits = surroundings.settings.backups, surroundings.policy.backups.pruning
        bucket = open_bucket(place.bucket, place.region)
        try:
            listing = list_backups(bucket, place.prefix, database=surroundings.database)
        except StorageUnavailable as error:
            return self.finding("critical", error.words, normal="They can be listed.", signs=["backups out of reach"])
        take = Suggestion(
            action="back_up_database", label="Back up now", parameters={"database": surroundings.database}
        )
        if not listing.backups:
            where = bucket.place(place.prefix)
            return self.finding("critical", f"There is none of {surroundings.database} in {where}.", suggests=[take],
                                normal="The newest is days old.", signs=["backups gone"])  # fmt: skip
        newest = listing.backups[0]
        age = surroundings.now() - newest.snapshot_at
        state: FindingState = "ok"
        summary = f"{len(listing.backups)}; the newest is {show_duration(age)} old and has "
        summary += f"{show_size(newest.size_bytes)}."
        if age > limits.newest_at_most:
            state, summary = "warning", f"{summary} That is older than {show_duration(limits.newest_at_most)}."
        if (drop := find_drop(listing.backups, limits.size_drop_percent)) is not None:
            state, summary = "critical", f"A sudden drop in size: {drop}."
        suggests = [take] if state != "ok" else _suggest_pruning(surroundings, listing)
        return self.finding(state, summary, _describe(surroundings, listing), suggests)


def _suggest_pruning(surroundings: Surroundings, listing: Listing) -> list[Suggestion]:
    """Where some are older than the policy keeps them, and not among those that stay in any case."""
    schedule = surroundings.policy.backups
    limit = surroundings.now() - schedule.manual_weekly.s3_retention
    old = [one for one in listing.backups[schedule.pruning.keep_at_least :] if one.snapshot_at < limit]
    if not old:
        return []
    label = f"Delete {len(old)} old"
    return [Suggestion(action="prune_backups", label=label, parameters={"database": surroundings.database})]


def _describe(surroundings: Surroundings, listing: Listing) -> list[str]:
    now = surroundings.now()
    lines = [
        f"{one.key}: {show_duration(now - one.snapshot_at)} old, {show_size(one.size_bytes)}"
        for one in listing.backups[:SHOWN]
    ]
    rest = [f"{entry.key}: {entry.reason}" for entry in listing.unusable[:SHOWN]]
    return lines + rest


CHECK = BackupsVerified()
