"""Let the application use another database, by its connection secret. (Document: restore steps 5 to 7.)

A new version of the secret is put beside the present one, then the label AWSCURRENT moves. The database that is left
is shut before anybody uses the other one, so that nothing is written to both. The way back does the same the other way.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import Field, model_validator

from bot.outcome import Refused
from bot.recovery.action import Action, Context, Evidence, Facts, History, Parameters, Step, World
from bot.recovery.application_move import Move, describe_restart, find_restart_limit, move_application
from bot.recovery.backups import settings_of
from bot.recovery.connection_secret import (
    Connection,
    describe_place,
    find_after,
    find_connection,
    predict_loss,
    refuse_useless,
)
from bot.recovery.fencing import fence, judge_fence, lift_fence, look_at_door
from bot.recovery.final_look import look_finally
from bot.recovery.instances import InstanceName, RegionChoice, act_once, list_choices, name_region
from bot.recovery.side_plan import list_moved
from bot.store.documents import PlanDocument, Prediction, Suggestion, Verdict
from bot.systems.hosts.ssm import PERMISSIONS as HOST_PERMISSIONS
from bot.systems.secrets import CURRENT, fingerprint, read_url, token_for
from bot.words import show_duration


class SwitchDatabase(Parameters):
    database: str = Field(title="Database", description="Whose application goes over.")
    instance: InstanceName | None = Field(default=None, title="To this RDS instance")
    version: str | None = Field(
        default=None, title="Or to this earlier version of the secret", pattern=r"^[A-Za-z0-9-]{32,64}$"
    )

    region: RegionChoice = Field(default="primary", title="Region", description="Of the instance and of the secret.")
    application: str | None = Field(
        default=None, title="Application", description="Where it is not the database's own."
    )

    @model_validator(mode="after")
    def check_one(self) -> SwitchDatabase:
        """One place to go to."""
        if (self.instance is None) == (self.version is None):
            raise ValueError("name either an `instance` or a `version` of the secret")
        return self


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
        *HOST_PERMISSIONS,
    )
    parameters = SwitchDatabase

    def target(self, parameters: SwitchDatabase) -> str:
        return parameters.database

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
        present, new_url = find_ends(world, parameters)
        door = look_at_door(world, parameters.database, new_url)
        refuse_useless(present.url, new_url, door)
        return {
            "secret": present.secret.name,
            "current_version": present.secret.current,
            "from": describe_place(present.url),
            "to": describe_place(new_url),
            "shut": door is not None and not door.open,
            "replica_of": present.secret.replica_of,
            "fingerprint": fingerprint(find_after(world, present, parameters.instance, parameters.version)),
        }

    def plan(self, world: World, parameters: SwitchDatabase, observed: Facts, history: History) -> PlanDocument:
        present, new_url = find_ends(world, parameters)
        expected = find_restart_limit(world, parameters.database)
        figure = Prediction(
            seconds=expected.total_seconds(), source="the policy's figure for a restart of the application"
        )
        return PlanDocument(
            action=self.name,
            title=f"Switch {parameters.database} to {observed['to']}",
            risk=self.risk,
            target=parameters.database,
            environment=present.settings.environment,
            parameters=parameters.model_dump(mode="json"),
            observed=observed,
            steps=[step.planned for step in self.steps()],
            loss=predict_loss(present.settings, present.url, new_url),
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


def find_ends(world: World, parameters: SwitchDatabase) -> tuple[Connection, str]:
    """What the secret leads to now, and the URL that it is to lead to."""
    present = find_connection(world, parameters.database, parameters.region, parameters.application)
    after = find_after(world, present, parameters.instance, parameters.version)
    return present, read_url(after, present.secret.name)


def _describe_replica(observed: Facts, present: Connection) -> list[str]:
    if not observed["replica_of"]:
        return []
    where, of = present.secrets.region, observed["replica_of"]
    return [
        f"The secret in {where} is a replica of the one in {of}, so nobody can write to it: its replication is ended.",
        "That is for good: from then on each region has a secret of its own.",
    ]


def make_own(context: Context[SwitchDatabase]) -> Facts:
    """A replica takes no versions. Its primary's region is not asked: it may be gone."""
    present = _look(context)
    if present.secret.replica_of is not None:
        act_once(
            context,
            lambda: present.secrets.stop_replication(present.secret.name),
            lambda: _look(context).secret.replica_of is None,
        )
        return {"words": f"it is one of its own now, no replica of {present.secret.replica_of} any more"}
    return {"words": "it is one of its own"}


def is_own(context: Context[SwitchDatabase]) -> Facts | None:
    return {"words": "it is one of its own"} if _look(context).secret.replica_of is None else None


def keep(context: Context[SwitchDatabase]) -> Facts:
    """AWSPREVIOUS moves on with the next change; a name of our own stays."""
    present, before = _look(context), _before(context)
    name, label = present.secret.name, _kept_label(context)
    if kept(context) is None:
        act_once(
            context,
            lambda: present.secrets.move_label(name, label, to=before, away_from=None),
            lambda: kept(context) is not None,
        )
    return {"version": before, "words": f"version {before} is kept as {_kept_label(context)}"}


def kept(context: Context[SwitchDatabase]) -> Facts | None:
    before = _before(context)
    if _look(context).secret.find_version(_kept_label(context)) != before:
        return None
    return {"version": before, "words": f"version {before} is kept as {_kept_label(context)}"}


def prepare(context: Context[SwitchDatabase]) -> Facts:
    """Nobody reads the new version yet. Its id is derived from the run, so that it is added once."""
    parameters, present = context.parameters, _look(context)
    if parameters.version is None and prepared(context) is None:
        after = find_after(context.world, present, parameters.instance, None)
        if fingerprint(after) != context.plan.observed["fingerprint"]:
            raise Refused("The instance or the secret has changed since the plan.", "Ask for a new plan.")
        name, token, label = present.secret.name, token_for(context.mark), _new_label(context)
        act_once(
            context,
            lambda: present.secrets.put(name, after, token=token, label=label),
            lambda: prepared(context) is not None,
        )
    return _facts_of(context)


def prepared(context: Context[SwitchDatabase]) -> Facts | None:
    return _facts_of(context) if _wanted(context) in _look(context).secret.labels else None


def switch(context: Context[SwitchDatabase]) -> Facts:
    """Only from the version that was planned: AWS refuses when somebody else has moved the label."""
    present, before, wanted = _look(context), _before(context), _wanted(context)
    if present.secret.current != wanted:
        act_once(
            context,
            lambda: present.secrets.move_label(present.secret.name, CURRENT, to=wanted, away_from=before),
            lambda: switched(context) is not None,
        )
    return _facts_of(context)


def switched(context: Context[SwitchDatabase]) -> Facts | None:
    return _facts_of(context) if _look(context).secret.current == _wanted(context) else None


def let_in(context: Context[SwitchDatabase]) -> Facts:
    """The way back leads to a database that was shut when the application left it."""
    world, database, url = context.world, context.parameters.database, _new_url(context)
    if not context.plan.observed["shut"]:
        return {"words": "it does" if look_at_door(world, database, url) else "its door cannot be asked from here"}
    return lift_fence(world, database, url)


def shut_old(context: Context[SwitchDatabase]) -> Facts:
    """Where that is not possible the run goes on and says so: whoever waits for the application cannot wait for it."""
    return fence(context.world, context.parameters.database, _old_url(context))


def follow(context: Context[SwitchDatabase]) -> Facts:
    """It was away from when its old database was shut."""
    parameters, at = context.parameters, context.outputs["fence"].get("at")
    since = datetime.fromisoformat(str(at)) if at else None
    key = parameters.application or settings_of(context.world, parameters.database).application
    return move_application(context, Move(parameters.database, key, parameters.region, since))


def measure(context: Context[SwitchDatabase]) -> Evidence:
    """The secret, and a final look at what users and the database say."""
    present, wanted = _look(context), _wanted(context)
    verdicts = [
        Verdict(
            name="Secret",
            expected=f"AWSCURRENT on version {wanted}",
            found=f"on version {present.secret.current}",
            good=present.secret.current == wanted,
        ),
        *look_finally(present.application, present.settings, present.url),
        judge_fence(context.world, context.parameters.database, _old_url(context)),
    ]
    gap_s = context.outputs["application"].get("gap_s")
    measured: Facts = {"version": wanted}
    if gap_s is not None:
        measured |= {"downtime_s": gap_s, "downtime": f"{show_duration(float(str(gap_s)))} of the application"}
    words = f"The version before it is kept as {_kept_label(context)}; `/dr undo {context.run_id}` goes back to it."
    return Evidence(verdicts, measured, words)


def tidy(context: Context[SwitchDatabase]) -> str:
    """Labels that only this run made go; a version without any is thrown away by Secrets Manager in time."""
    present, observed = _look(context), context.plan.observed
    if present.secret.current == _wanted(context):
        return (
            f"Secret {present.secret.name} leads to {observed['to']}; a host follows when it is restarted. "
            f"{observed['from']} may be shut. "
            f"`/dr plan switch_database database={context.parameters.database} version={_before(context)}` goes back."
        )
    for label in (_new_label(context), _kept_label(context)):
        version = present.secret.find_version(label)
        if version is not None:
            present.secrets.drop_label(present.secret.name, label, version=version)
    if describe_place(present.url) == observed["to"]:  # by another version: somebody else's switch went before
        return f"Secret {present.secret.name} leads to {observed['to']} by version {present.secret.current} already."
    if observed["shut"]:
        fence(context.world, context.parameters.database, _new_url(context))
    return f"Secret {present.secret.name} leads to {observed['from']} as before; the application was not touched."


def _look(context: Context[SwitchDatabase]) -> Connection:
    parameters = context.parameters
    return find_connection(context.world, parameters.database, parameters.region, parameters.application)


def _old_url(context: Context[SwitchDatabase]) -> str:
    """Of the database that is left, as the application had it."""
    present = _look(context)
    name = present.secret.name
    return read_url(present.secrets.read(name, _before(context)), name)


def _new_url(context: Context[SwitchDatabase]) -> str:
    """Of the database that it goes to; once the secret leads there, that is where."""
    parameters, present = context.parameters, _look(context)
    if present.secret.current == _wanted(context):
        return present.url
    return read_url(find_after(context.world, present, parameters.instance, parameters.version), present.secret.name)


def _before(context: Context[SwitchDatabase]) -> str:
    return str(context.plan.observed["current_version"])


def _wanted(context: Context[SwitchDatabase]) -> str:
    return context.parameters.version or token_for(context.mark)


def _new_label(context: Context[SwitchDatabase]) -> str:
    return f"holdfast-{context.mark}"


def _kept_label(context: Context[SwitchDatabase]) -> str:
    return f"holdfast-before-{context.mark}"


def _facts_of(context: Context[SwitchDatabase]) -> Facts:
    version = _wanted(context)
    return {"version": version, "words": f"version {version} leads to {context.plan.observed['to']}"}


ACTION = SwitchTheDatabase()
