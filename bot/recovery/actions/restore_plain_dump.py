"""Bring a database back from a plain `.sql.gz` dump: read whole, loaded beside the live one, counted, exchanged.

(Document: Manual Backups, Restore from pg_dump Backup. Such a dump says itself which database it drops, makes and
connects to, and the written procedures let it: here it is never given to psql, and only its content is loaded.)
"""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from bot.outcome import Failed, Refused
from bot.policy import Policy
from bot.recovery.action import Action, Context, Evidence, Facts, History, Step, World
from bot.recovery.backups import READ_PERMISSIONS, find_backups, maintenance_url, recovery_url, settings_of
from bot.recovery.loss import predict_loss
from bot.recovery.plain_dumps import LISTED, describe_plain_dump, find_moment, find_plain_dump, list_plain_dumps
from bot.recovery.side_plan import LIVE_MATTERS, describe_way_back, list_moved, observe_live, predict_downtime
from bot.recovery.side_restore import OfDatabase, clean_up, find_place, measure, put_back, refuse_kept, steps_home
from bot.recovery.touched import touch_database
from bot.store.documents import PlanDocument, Prediction, Suggestion, Verdict
from bot.systems.dumps.plain import compare, create_for, load, read_head, read_whole
from bot.systems.dumps.plain_facts import PlainDump
from bot.systems.dumps.plain_files import PlainFile
from bot.systems.dumps.plain_target import check_server, is_powerful
from bot.systems.postgres import connect
from bot.words import cut, show_duration, show_size

DIFFERENCES_SHOWN = 5


class RestorePlain(OfDatabase):
    dump: str = Field(title="Dump", description="A .sql.gz file in one of the places that the policy names")


class RestorePlainDump(Action[RestorePlain]):
    name = "restore_plain_dump"
    purpose = "Bring a database back from a plain .sql.gz dump, keeping the present one"
    risk = "destructive"
    permissions = READ_PERMISSIONS
    parameters = RestorePlain

    def target(self, parameters: RestorePlain) -> str:
        return parameters.database

    def touches(self, policy: Policy, parameters: RestorePlain) -> frozenset[str]:
        return touch_database(policy, parameters.database)

    def application(self, world: World, parameters: RestorePlain) -> str | None:
        return settings_of(world, parameters.database).application

    def disaster(self, world: World, parameters: RestorePlain) -> str | None:
        return settings_of(world, parameters.database).disaster

    def undo(self, parameters: RestorePlain, plan: PlanDocument, outputs: dict[str, Facts]) -> Suggestion | None:
        return put_back(parameters, outputs)

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        if name == "database":
            return [(key, settings.title) for key, settings in world.policy.databases.items()]
        if name != "dump":
            return None
        found = list_plain_dumps(world, str(given.get("database", "")))[:LISTED]
        return [(file.place, describe_plain_dump(file, world.now(), world.policy)) for file in found]

    def observe(self, world: World, parameters: RestorePlain) -> Facts:
        """Reads the beginning of the dump; the live database may be gone, which is when it is needed most."""
        file = find_plain_dump(world, parameters.database, parameters.dump)
        head = read_head(file)
        if head.database != parameters.database:
            raise Refused(
                f"{file.place} is a dump of the database {head.database}, not of {parameters.database}.",
                "Choose another dump.",
            )
        moment, known = find_moment(file, head, world.policy)
        return {
            **observe_live(world, parameters.database),
            "dump": file.place,
            "dump_version": file.version,
            "dump_bytes": file.size_bytes,
            "dump_taken_at": moment.isoformat(),
            "dump_taken_at_known": known,
            "dump_server": head.server_version,
        }

    def plan(self, world: World, parameters: RestorePlain, observed: Facts, history: History) -> PlanDocument:
        settings = settings_of(world, parameters.database)
        file = find_plain_dump(world, parameters.database, parameters.dump)
        moment, _ = find_moment(file, read_head(file), world.policy)
        url = recovery_url(world.environment, parameters.database, settings)
        return self.document(
            parameters,
            observed,
            title=f"Restore {parameters.database} from a plain dump",
            environment=settings_of(world, parameters.database).environment,
            loss=predict_loss(url, settings, moment, world.now()),
            downtime=predict_downtime(history, observed),
            duration=history.duration
            or Prediction(seconds=settings.expected_restore.total_seconds(), source="the policy's figure"),
            way_back=describe_way_back(parameters.database, observed),
            confirm=parameters.database,
            back_to=moment,
            notes=_note(world, parameters.database, observed),
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        """Size and server may move; the database, its owner and the dump may not."""
        return list_moved(planned, now, (*LIVE_MATTERS, "dump_version"))

    def steps(self) -> list[Step[RestorePlain]]:
        return [
            Step("preflight", "Read the whole dump and check the server", preflight, phase="retrieval"),
            Step("restore", "Load it beside the live database", restore),
            Step("compare", "Compare every table with the dump", compare_content),
            *steps_home(lambda context: _dump(context).traits),
        ]

    def verify(self, context: Context[RestorePlain]) -> Evidence:
        back_to = context.plan.back_to
        assert back_to is not None  # every plan of this action has it
        return measure(context, back_to=back_to, content=[_judge_rows(context.outputs["compare"])])

    def clean_up(self, context: Context[RestorePlain]) -> str:
        return clean_up(context)


def preflight(context: Context[RestorePlain]) -> Facts:
    """Once to its end before anything is made: complete, undamaged, nothing foreign in it, and what it holds."""
    place, file = find_place(context), _pinned(context)
    dump = read_whole(
        file,
        progress=lambda phase, done, total: context.progress(_progress(phase, done, total)),
        cancelled=context.cancelled,
    )
    allowed = place.settings.plain_dumps.untrusted_extensions if place.settings.plain_dumps else []
    with connect(place.maintenance, purpose="preflight") as connection:
        check_server(connection, dump, allowed=allowed)
    if not (context.plan.observed["database_owner"] or dump.traits.owner):
        raise Refused(f"{file.place} does not say who owns {place.live}, and there is none to ask.", "Make one first.")
    refuse_kept(place)
    words = f"complete: {len(dump.tables)} tables, {dump.rows:,} rows, {show_size(dump.script_bytes)} unpacked"
    return {"dump": dump.model_dump(mode="json"), "words": words}


def restore(context: Context[RestorePlain]) -> Facts:
    """Always from the start: half a database of an attempt that was cut off is dropped."""
    place, dump = find_place(context), _dump(context)
    owner = str(context.plan.observed["database_owner"] or dump.traits.owner)
    oid = create_for(place.maintenance, place.side, dump, owner=owner)
    report = load(
        place.side_url,
        _pinned(context),
        dump,
        progress=lambda phase, done, total: context.progress(_progress(phase, done, total)),
        cancelled=context.cancelled,
    )
    took = ", ".join(f"{phase} {show_duration(seconds)}" for phase, seconds in report.durations_s.items())
    return {"oid": oid, "words": took}


def compare_content(context: Context[RestorePlain]) -> Facts:
    """Rows of every table, sequences and large objects against the dump; one difference ends the run here."""
    dump = _dump(context)
    rows_found, differences = compare(find_place(context).side_url, dump)
    if differences:
        shown = "; ".join(map(str, differences[:DIFFERENCES_SHOWN]))
        raise Failed(f"What was loaded is not what the dump holds: {cut(shown, 800)}.", "", "Choose another dump.")
    return {
        "tables": len(dump.tables),
        "rows_expected": dump.rows,
        "rows_found": rows_found,
        "sequences": len(dump.sequences),
        "words": f"{len(dump.tables)} tables, {rows_found:,} rows, {len(dump.sequences)} sequences, all as in the dump",
    }


def _judge_rows(checked: Facts) -> Verdict:
    expected, found = int(str(checked["rows_expected"])), int(str(checked["rows_found"]))
    return Verdict(
        name="Rows",
        expected=f"{expected:,} in {checked['tables']} tables, as counted in the dump",
        found=f"{found:,}, table by table; {checked['sequences']} sequences as in the dump",
        good=expected == found,
    )


def _dump(context: Context[RestorePlain]) -> PlainDump:
    return PlainDump.model_validate(context.outputs["preflight"]["dump"])


def _pinned(context: Context[RestorePlain]) -> PlainFile:
    """The very version that was planned with."""
    file = find_plain_dump(context.world, context.parameters.database, context.parameters.dump)
    if file.version != context.plan.observed["dump_version"]:
        raise Refused(f"{file.place} is another one than when this was planned.", "Ask for a new plan.")
    return file


def _note(world: World, database: str, observed: Facts) -> list[str]:
    settings = settings_of(world, database)
    size, server = show_size(int(str(observed["dump_bytes"]))), str(observed["dump_server"]).partition(" ")[0]
    taken = f"{str(observed['dump_taken_at'])[:16].replace('T', ' ')} UTC, {observed['dump_taken_at_known']}"
    notes = [
        f"From {observed['dump']}: {size}, PostgreSQL {server}; of {taken}.",
        "Its own DROP DATABASE, CREATE DATABASE and \\connect are not run: it is loaded into a new database beside.",
    ]
    with connect(maintenance_url(world.environment, database, settings), purpose="check") as connection:
        if is_powerful(connection):
            notes.append(
                "The recovery role may run programs or write files on the server, so functions inside the dump might, "
                "too, while it is loaded: a role that may not is safer."
            )
    return [*notes, *_note_newer(world, database, datetime.fromisoformat(str(observed["dump_taken_at"])))]


def _note_newer(world: World, database: str, taken_at: datetime) -> list[str]:
    try:
        newer = [one.key for one in find_backups(world, database).backups if one.snapshot_at > taken_at]
    except Failed as error:
        return [f"Whether there is a newer verified backup cannot be seen: {error.reason}"]
    return [f"There is a verified backup that is newer: {newer[0]} (`/dr restore`)."] if newer else []


def _progress(phase: str, done: int, total: int | None) -> str:
    return f"{phase} {100 * done // total} %" if total else phase


ACTION = RestorePlainDump()
