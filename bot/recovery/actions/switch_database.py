"""Let the application use another database, by its connection secret. (Document: restore steps 5 to 7.)

A new version of the secret is put beside the present one, then the label AWSCURRENT moves. The database that is left
is shut before anybody uses the other one, so that nothing is written to both. The way back does the same the other way.
"""

from __future__ import annotations

from datetime import datetime

from bot.outcome import Refused
from bot.policy import Policy
from bot.recovery.action import Action, Context, Evidence, Facts, History, Step, World
from bot.recovery.application_move import Move, describe_restart, find_restart_limit, move_application
from bot.recovery.application_restart import PERMISSIONS as RESTART_PERMISSIONS
from bot.recovery.backups import settings_of
from bot.recovery.connection_secret import Connection, describe_place, find_after, predict_loss, refuse_useless
from bot.recovery.environment_file import judge_left_behind
from bot.recovery.fencing import fence, is_same_database, judge_fence, lift_fence, look_at_door
from bot.recovery.final_look import look_finally
from bot.recovery.instances import list_choices, name_region
from bot.recovery.secret_switch import (
    SwitchDatabase,
    drop_labels,
    find_ends,
    is_own,
    keep,
    kept,
    kept_label,
    look,
    make_own,
    new_url,
    old_url,
    prepare,
    prepared,
    switch,
    switched,
    version_before,
    version_wanted,
)
from bot.recovery.side_plan import list_moved
from bot.recovery.touched import touch_connection
from bot.store.documents import PlanDocument, Prediction, Suggestion, Verdict
from bot.systems.doors import Door
from bot.systems.secrets import fingerprint
from bot.words import show_duration


class SwitchTheDatabase(Action[SwitchDatabase]):
    name = "switch_database"
    purpose = "Let the application use another database, by a new version of its connection secret"
    risk = "destructive"
    permissions = (
        "rds:DescribeDBInstances",
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetSecretValue",
        "secretsmanager:PutSecretValue",
        "secretsmanager:StopReplicationToReplica",
        "secretsmanager:UpdateSecretVersionStage",
        *RESTART_PERMISSIONS,
    )
    parameters = SwitchDatabase

    def target(self, parameters: SwitchDatabase) -> str:
        return parameters.database

    def touches(self, policy: Policy, parameters: SwitchDatabase) -> frozenset[str]:
        return touch_connection(policy, parameters.database, parameters.application)

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        if name == "database":
            return [(key, settings.title) for key, settings in world.policy.databases.items()]
        if name == "region":
            return [(one, name_region(world, one)) for one in ("primary", "secondary")]
        if name == "application":
            return [(key, one.title) for key, one in world.policy.applications.items()]
        return list_choices(world, lambda one: one.source is None) if name == "instance" else None

    def application(self, world: World, parameters: SwitchDatabase) -> str | None:
        return parameters.application or settings_of(world, parameters.database).application

    def disaster(self, world: World, parameters: SwitchDatabase) -> str | None:
        return settings_of(world, parameters.database).disaster

    def observe(self, world: World, parameters: SwitchDatabase) -> Facts:
        """Both ends: the secret, and a connection to the new database as the application would make it."""
        present, url_after = find_ends(world, parameters)
        door = look_at_door(world, parameters.database, url_after)
        refuse_useless(present.url, url_after, door)
        refuse_alias(present.url, url_after, look_at_door(world, parameters.database, present.url), door)
        return {
            "secret": present.secret.name,
            "current_version": present.secret.current,
            "from": describe_place(present.url),
            "to": describe_place(url_after),
            "shut": door is not None and not door.open,
            "replica_of": present.secret.replica_of,
            "fingerprint": fingerprint(find_after(world, present, parameters.instance, parameters.version)),
        }

    def plan(self, world: World, parameters: SwitchDatabase, observed: Facts, history: History) -> PlanDocument:
        present, url_after = find_ends(world, parameters)
        expected = find_restart_limit(world, parameters.database)
        figure = Prediction(
            seconds=expected.total_seconds(), source="the policy's figure for a restart of the application"
        )
        return self.document(
            parameters,
            observed,
            title=f"Switch {parameters.database} to {observed['to']}",
            environment=present.settings.environment,
            loss=predict_loss(present.settings, present.url, url_after),
            downtime=history.downtime or figure,
            duration=history.duration or figure,
            way_back=(
                f"AWSCURRENT moves back to version {observed['current_version']}, the present database lets clients in "
                "again, and the application is restarted. What was written to the new one meanwhile stays there."
            ),
            confirm=parameters.database,
            notes=[
                f"Secret {observed['secret']}: from {observed['from']} to {observed['to']}.",
                "The database that it leaves is shut: nobody can write there any more, and nothing in it is changed.",
                *([f"{observed['to']} is shut now; it lets clients in again."] if observed["shut"] else []),
                *_describe_replica(observed, present),
                *describe_restart(world, self.application(world, parameters) or present.settings.application),
            ],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        return list_moved(planned, now, ("secret", "current_version", "from", "to", "fingerprint", "replica_of"))

    def steps(self) -> list[Step[SwitchDatabase]]:
        return [
            Step("own", "See that the secret can be written to", make_own, is_own),
            Step("keep", "Give the present version a name that stays", keep, kept),
            Step("prepare", "Put the new version beside it", prepare, prepared),
            Step("open", "See that the new database lets clients in", let_in),
            Step("switch", "Move AWSCURRENT to it", switch, switched, cancellable=False),
            Step("fence", "Shut the database that is left, and end every session on it", shut_old, cancellable=False),
            Step(
                "application", "Restart the application, host by host, each healthy on it before the next", follow,
                phase="restart", cancellable=False, skipping="the application on the new database; restart it by hand",
            ),
        ]  # fmt: skip

    def verify(self, context: Context[SwitchDatabase]) -> Evidence:
        return measure(context)

    def clean_up(self, context: Context[SwitchDatabase]) -> str:
        return tidy(context)

    def undo(self, parameters: SwitchDatabase, plan: PlanDocument, outputs: dict[str, Facts]) -> Suggestion | None:
        before = plan.observed["current_version"]
        return Suggestion(
            action=self.name,
            label="Switch back",
            parameters={**parameters.model_dump(mode="json", exclude={"instance"}), "version": before},
        )


def refuse_alias(url_before: str, url_after: str, before: Door | None, after: Door | None) -> None:
    """Raises `Refused` where it would shut the very database that it leads to, under another name of its server."""
    if is_same_database(before, after):
        raise Refused(
            f"{describe_place(url_before)} and {describe_place(url_after)} are one database under two names: shut for "
            "those who leave it, it would be shut for all.",
            "Name the instance that the application is to go to.",
        )


def _describe_replica(observed: Facts, present: Connection) -> list[str]:
    if not observed["replica_of"]:
        return []
    where, of = present.secrets.region, observed["replica_of"]
    return [
        f"The secret in {where} is a replica of the one in {of}, so nobody can write to it: its replication is ended.",
        "That is for good: from then on each region has a secret of its own.",
    ]


def let_in(context: Context[SwitchDatabase]) -> Facts:
    """The way back leads to a database that was shut when the application left it."""
    world, database, url = context.world, context.parameters.database, new_url(context)
    if not context.plan.observed["shut"]:
        return {"words": "it does" if look_at_door(world, database, url) else "its door cannot be asked from here"}
    return lift_fence(world, database, url)


def shut_old(context: Context[SwitchDatabase]) -> Facts:
    """Where that is not possible the run goes on and says so: whoever waits for the application cannot wait for it."""
    return fence(context.world, context.parameters.database, old_url(context))


def follow(context: Context[SwitchDatabase]) -> Facts:
    """It was away from when its old database was shut."""
    parameters, at = context.parameters, context.outputs["fence"].get("at")
    since = datetime.fromisoformat(str(at)) if at else None
    key = parameters.application or settings_of(context.world, parameters.database).application
    return move_application(context, Move(parameters.database, key, parameters.region, since))


def measure(context: Context[SwitchDatabase]) -> Evidence:
    """The secret, and a final look at what users and the database say."""
    present, wanted = look(context), version_wanted(context)
    verdicts = [
        Verdict(
            name="Secret",
            expected=f"AWSCURRENT on version {wanted}",
            found=f"on version {present.secret.current}",
            good=present.secret.current == wanted,
        ),
        *judge_left_behind(context.world, _list_left_out(context)),
        *look_finally(present.application, present.settings, present.url),
        judge_fence(context.world, context.parameters.database, old_url(context)),
    ]
    gap_s = context.outputs["application"].get("gap_s")
    measured: Facts = {"version": wanted}
    if gap_s is not None:
        measured |= {"downtime_s": gap_s, "downtime": f"{show_duration(float(str(gap_s)))} of the application"}
    words = f"The version before it is kept as {kept_label(context)}; `/dr undo {context.run_id}` goes back to it."
    return Evidence(verdicts, measured, words)


def _list_left_out(context: Context[SwitchDatabase]) -> list[str]:
    found = context.outputs["application"].get("left_out")
    return list(found) if isinstance(found, dict) else []


def tidy(context: Context[SwitchDatabase]) -> str:
    """Before the label has moved, all is as it was; afterwards it stays where it is."""
    present, observed = look(context), context.plan.observed
    if present.secret.current == version_wanted(context):
        return (
            f"Secret {present.secret.name} leads to {observed['to']}; a host follows when it is restarted. "
            f"{observed['from']} may be shut. `/dr plan switch_database "
            f"database={context.parameters.database} version={version_before(context)}` goes back."
        )
    drop_labels(context)
    if describe_place(present.url) == observed["to"]:  # by another version: somebody else's switch went before
        return f"Secret {present.secret.name} leads to {observed['to']} by version {present.secret.current} already."
    if observed["shut"]:
        fence(context.world, context.parameters.database, new_url(context))
    return f"Secret {present.secret.name} leads to {observed['from']} as before; the application was not touched."


ACTION = SwitchTheDatabase()
