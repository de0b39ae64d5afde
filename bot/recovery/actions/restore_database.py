"""Bring a database back from a verified backup: restored beside the live one, compared, and put in its place.

(Document: Restore from pg_dump Backup. The written procedure drops the live database first; this one keeps it.)
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Literal

from pydantic import Field, TypeAdapter

from bot.outcome import Failed
from bot.policy import Policy
from bot.recovery.action import Action, Context, Evidence, Facts, History, Step, World
from bot.recovery.backups import (
    READ_PERMISSIONS,
    bucket_of,
    describe_backups,
    find_backup,
    find_backups,
    maintenance_url,
    recovery_url,
    settings_of,
)
from bot.recovery.loss import predict_loss
from bot.recovery.side_plan import LIVE_MATTERS, describe_way_back, list_moved, observe_live, predict_downtime
from bot.recovery.side_restore import OfDatabase, clean_up, find_place, measure, put_back, refuse_kept, steps_home
from bot.recovery.touched import touch_database
from bot.store.documents import PlanDocument, Prediction, Suggestion, Verdict
from bot.systems.databases import observe_database
from bot.systems.dumps.foreign_keys import ForeignKey, check_keys
from bot.systems.dumps.listing import confirm_backup
from bot.systems.dumps.manifest import Manifest
from bot.systems.dumps.restore import check_server, restore_archive
from bot.systems.fingerprints import compare_fingerprints, take_fingerprint
from bot.systems.postgres import connect
from bot.systems.side_databases import create_afresh
from bot.words import cut, show_duration, show_size

DIFFERENCES_SHOWN = 5
KEYS = TypeAdapter(list[ForeignKey])


class Restore(OfDatabase):
    backup: str = Field(title="Backup", description="Its key; the newest verified one stands first.")


class RestoreDatabase(Action[Restore]):
    name = "restore_database"
    purpose = "Bring a database back from a verified backup, keeping the present one"
    risk = "destructive"
    permissions = READ_PERMISSIONS
    parameters = Restore

    def target(self, parameters: Restore) -> str:
        return parameters.database

    def touches(self, policy: Policy, parameters: Restore) -> frozenset[str]:
        return touch_database(policy, parameters.database)

    def application(self, world: World, parameters: Restore) -> str | None:
        return settings_of(world, parameters.database).application

    def disaster(self, world: World, parameters: Restore) -> str | None:
        return settings_of(world, parameters.database).disaster

    def observe(self, world: World, parameters: Restore) -> Facts:
        """Read-only; the live database may be gone, which is when a restore is needed most."""
        settings = settings_of(world, parameters.database)
        manifest = find_backup(world, parameters.database, parameters.backup)
        confirm_backup(bucket_of(settings), manifest)
        newest = find_backups(world, parameters.database).backups[0]
        return {
            **observe_live(world, parameters.database),
            "backup": manifest.key,
            "backup_versions": [part.version_id for part in manifest.parts],
            "backup_taken_at": manifest.snapshot_at.isoformat(),
            "newest_backup": newest.key,
        }

    def plan(self, world: World, parameters: Restore, observed: Facts, history: History) -> PlanDocument:
        settings = settings_of(world, parameters.database)
        manifest = find_backup(world, parameters.database, parameters.backup)
        with connect(maintenance_url(world.environment, parameters.database, settings), purpose="check") as connection:
            check_server(connection, manifest)
        return self.document(
            parameters,
            observed,
            title=f"Restore {parameters.database}",
            environment=settings_of(world, parameters.database).environment,
            loss=predict_loss(
                recovery_url(world.environment, parameters.database, settings),
                settings,
                manifest.snapshot_at,
                world.now(),
            ),
            downtime=predict_downtime(history, observed),
            duration=history.duration
            or Prediction(seconds=settings.expected_restore.total_seconds(), source="the policy's figure"),
            way_back=describe_way_back(parameters.database, observed),
            confirm=parameters.database,
            back_to=manifest.snapshot_at,
            notes=_describe_backup(manifest, str(observed["newest_backup"])),
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        """Size and server may move; the database, its owner, the backup, and that it is the newest may not."""
        return list_moved(planned, now, (*LIVE_MATTERS, "backup_versions", "newest_backup"))

    def steps(self) -> list[Step[Restore]]:
        return [
            Step("preflight", "Check backup, server, roles and space", preflight, phase="retrieval"),
            Step("restore", "Restore beside the live database", restore),
            Step("compare", "Compare every table with the backup's manifest", compare),
            *steps_home(lambda context: _manifest(context).source.traits),
            Step(
                "keys", "Check the foreign keys against every row", check_foreign_keys, phase="validation",
                cancellable=False, skipping="proof that the restored rows satisfy the foreign keys; new rows must",
            ),
        ]  # fmt: skip

    def verify(self, context: Context[Restore]) -> Evidence:
        return measure(
            context,
            back_to=_manifest(context).snapshot_at,
            content=[_judge_rows(context.outputs["compare"]), *_judge_keys(context.outputs["keys"])],
        )

    def clean_up(self, context: Context[Restore]) -> str:
        return clean_up(context)

    def undo(self, parameters: Restore, plan: PlanDocument, outputs: dict[str, Facts]) -> Suggestion | None:
        return put_back(parameters, outputs)

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        if name != "backup":
            return None
        labels, _notes = describe_backups(world, str(given.get("database", "")))
        return labels


def preflight(context: Context[Restore]) -> Facts:
    """Everything that would make it fail later, before anything is made."""
    place, manifest = find_place(context), _manifest(context)
    confirm_backup(bucket_of(place.settings), manifest)
    with connect(place.maintenance, purpose="preflight") as connection:
        check_server(connection, manifest)
    refuse_kept(place)
    size = show_size(manifest.size_bytes)
    return {"words": f"{size} in {len(manifest.parts)} objects, {manifest.fingerprint.rows:,} rows"}


def restore(context: Context[Restore]) -> Facts:
    """Always from the start: half a database of an attempt that was cut off is dropped."""
    place, manifest = find_place(context), _manifest(context)
    create_afresh(place.maintenance, place.side, manifest.source)
    with connect(place.maintenance, purpose="observe") as connection:
        oid = observe_database(connection, place.side).oid
    report = restore_archive(
        place.side_url,
        bucket_of(place.settings),
        manifest,
        check_keys=False,
        progress=lambda phase, done, total: context.progress(_progress(phase, done, total)),
        cancelled=context.cancelled,
    )
    took = ", ".join(f"{phase} {show_duration(seconds)}" for phase, seconds in report.durations_s.items())
    return {"oid": oid, "unchecked_keys": [key.model_dump() for key in report.unchecked], "words": took}


def compare(context: Context[Restore]) -> Facts:
    """Counts and checksums of everything against the manifest; one difference ends the run here."""
    place, expected = find_place(context), _manifest(context).fingerprint
    found = take_fingerprint(place.side_url, like=expected, connections=os.cpu_count() or 2)
    differences = compare_fingerprints(expected, found)
    if any(not one.inconclusive for one in differences):
        shown = "; ".join(map(str, differences[:DIFFERENCES_SHOWN]))
        raise Failed(f"What was restored is not what was backed up: {cut(shown, 800)}.", "", "Choose another backup.")
    return {
        "tables": len(expected.tables),
        "rows_expected": expected.rows,
        "rows_found": found.rows,
        "sequences": len(expected.sequences),
        "inconclusive": [str(one) for one in differences],
        "words": f"{len(expected.tables)} tables, {found.rows:,} rows, all as expected",
    }


def check_foreign_keys(context: Context[Restore]) -> Facts:
    """In the database that is live again, as it may take long; what does not hold is a verdict, not an undoing."""
    keys = KEYS.validate_python(context.outputs["restore"]["unchecked_keys"])
    wrong = check_keys(find_place(context).live_url, keys, context.progress)
    shown = "; ".join(wrong[:DIFFERENCES_SHOWN])
    words = f"{len(wrong)} of {len(keys)} wrong: {cut(shown, 800)}" if wrong else f"all {len(keys)} hold"
    return {"keys": len(keys), "wrong": [*wrong], "checked_at": context.world.now().isoformat(), "words": words}


def _judge_keys(checked: Facts) -> list[Verdict]:
    """Until they were checked the proof of the rows is that they are the source's, where the keys held."""
    if not checked.get("keys"):
        return []
    at = datetime.fromisoformat(str(checked["checked_at"]))
    found = f"{checked['words']}, checked after the exchange, by {at:%H:%M:%S} UTC"
    return [Verdict(name="Foreign keys", expected="all hold for every row", found=found, good=not checked["wrong"])]


def _judge_rows(checked: Facts) -> Verdict:
    return Verdict(
        name="Rows",
        expected=f"{int(str(checked['rows_expected'])):,} in {checked['tables']} tables, as the manifest says",
        found=f"{int(str(checked['rows_found'])):,}, checksums equal",
        good=checked["rows_expected"] == checked["rows_found"],
    )


def _manifest(context: Context[Restore]) -> Manifest:
    return find_backup(context.world, context.parameters.database, context.parameters.backup)


def _describe_backup(manifest: Manifest, newest: str) -> list[str]:
    notes = [f"From {manifest.key}: {manifest.fingerprint.rows:,} rows, {show_size(manifest.size_bytes)}."]
    if manifest.source.subscriptions:
        names = ", ".join(manifest.source.subscriptions)
        notes.append(f"Without its subscriptions, which no backup holds; make them again afterwards: {names}.")
    if manifest.key != newest:
        notes.append(f"This is not the newest backup; that is {newest}.")
    return notes


def _progress(phase: Literal["pre-data", "data", "post-data"] | str, done: int, total: int | None) -> str:
    return f"{phase} {100 * done // total} %" if total else phase


ACTION = RestoreDatabase()
