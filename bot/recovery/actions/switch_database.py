"""Let the application use another database, by its connection secret. (Document: restore steps 5 to 7.)

A new version of the secret is put beside the present one, then the label AWSCURRENT moves. The way back moves it again.
"""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, model_validator

from bot.outcome import Failed, Refused
from bot.recovery.action import Action, Context, Evidence, Facts, History, Parameters, Step, World
from bot.recovery.backups import settings_of
from bot.recovery.connection_secret import (
    Connection,
    count_application,
    describe_place,
    find_after,
    find_connection,
    predict_loss,
    refuse_useless,
)
from bot.recovery.final_look import look_finally
from bot.recovery.instances import InstanceName, act_once, list_choices, watch_for
from bot.recovery.side_plan import list_moved
from bot.store.documents import PlanDocument, Prediction, Suggestion, Verdict
from bot.systems.probe import probe_health
from bot.systems.rds_waiting import Pace, Watch, wait_until_seen
from bot.systems.secrets import CURRENT, fingerprint, read_url, token_for
from bot.systems.web_application import ask_health
from bot.words import show_duration

RESTART_PHASE = "restart"
RESTART_WITHIN = timedelta(minutes=5)
"""Where the policy's disaster has no phase of that name; it is what the document gives the restart."""


class SwitchDatabase(Parameters):
    database: str = Field(title="Database", description="Whose application goes over.")
    instance: InstanceName | None = Field(default=None, title="To this RDS instance")
    version: str | None = Field(
        default=None, title="Or to this earlier version of the secret", pattern=r"^[A-Za-z0-9-]{32,64}$"
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
        "secretsmanager:UpdateSecretVersionStage",
    )
    parameters = SwitchDatabase

    def target(self, parameters: SwitchDatabase) -> str:
        return parameters.database

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        if name == "database":
            return [(key, settings.title) for key, settings in world.policy.databases.items()]
        return list_choices(world, lambda one: one.source is None) if name == "instance" else None

    def disaster(self, world: World, parameters: SwitchDatabase) -> str | None:
        return settings_of(world, parameters.database).disaster

    def observe(self, world: World, parameters: SwitchDatabase) -> Facts:
        """Both ends: the secret, and a connection to the new database as the application would make it."""
        present, new_url = find_ends(world, parameters)
        refuse_useless(present.url, new_url)
        return {
            "secret": present.secret.name,
            "current_version": present.secret.current,
            "from": describe_place(present.url),
            "to": describe_place(new_url),
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
                f"AWSCURRENT moves back to version {observed['current_version']}, and the application is restarted. "
                "What was written to the new database meanwhile stays there."
            ),
            confirm=parameters.database,
            notes=[
                f"Secret {observed['secret']}: from {observed['from']} to {observed['to']}.",
                "The application reads its secret when it starts: once the label has moved, somebody must restart it.",
                f"On its host: `systemctl restart {present.application.service}`. The run waits for that and sees it.",
                "The old database goes on; until the restart the application writes to it.",
            ],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        return list_moved(planned, now, ("secret", "current_version", "from", "to", "fingerprint"))

    def steps(self) -> list[Step[SwitchDatabase]]:
        return [
            Step("keep", "Give the present version a name that stays", keep, kept),
            Step("prepare", "Put the new version beside it", prepare, prepared),
            Step("switch", "Move AWSCURRENT to it", switch, switched, cancellable=False),
            Step(
                "application", "Wait until the application is healthy on it", wait_for_application, phase="restart",
                cancellable=False, skipping="a look at whether the application came back on the new database",
            ),
        ]  # fmt: skip

    def verify(self, context: Context[SwitchDatabase]) -> Evidence:
        return measure(context)

    def clean_up(self, context: Context[SwitchDatabase]) -> str:
        return tidy(context)

    def undo(self, parameters: SwitchDatabase, plan: PlanDocument, outputs: dict[str, Facts]) -> Suggestion | None:
        before = plan.observed["current_version"]
        return Suggestion(
            action=self.name, label="Switch back", parameters={"database": parameters.database, "version": before}
        )


def find_ends(world: World, parameters: SwitchDatabase) -> tuple[Connection, str]:
    """What the secret leads to now, and the URL that it is to lead to."""
    present = find_connection(world, parameters.database)
    after = find_after(world, present, parameters.instance, parameters.version)
    return present, read_url(after, present.secret.name)


def find_restart_limit(world: World, database: str) -> timedelta:
    """How long a restart may take, by the policy."""
    disaster = world.policy.disasters[settings_of(world, database).disaster]
    phases = {phase.name.lower(): phase.expected for phase in disaster.phases}
    return phases.get(RESTART_PHASE, RESTART_WITHIN)


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


def wait_for_application(context: Context[SwitchDatabase]) -> Facts:
    """Until it is healthy and has connections on the new database; that it is not is a verdict, no reason to undo."""
    present = _look(context)
    application, limit = present.application, find_restart_limit(context.world, context.parameters.database)
    health = f"{str(application.url).rstrip('/')}{application.health_path}"

    def look() -> bool:
        context.progress(f"restart the application now: systemctl restart {application.service}")
        return bool(count_application(present.url)) and ask_health(health, application.health_expect).good

    watch = Watch(Pace(watch_for(context).pace.every_s, limit.total_seconds()), context.progress)
    with probe_health(health) as client:
        try:
            wait_until_seen("the application", look, watch)
        except Failed:
            words = f"not seen on the new database within {show_duration(limit)}"
            return {"there": False, "gap_s": None, "words": words}
        seen = client.observe()
    gap_s = max((outage.duration_s for outage in seen.outages), default=0.0)
    return {"there": True, "gap_s": gap_s, "words": f"healthy on the new database; it was away {show_duration(gap_s)}"}


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
            f"Secret {present.secret.name} leads to {observed['to']}; the application follows when it is restarted. "
            f"`/dr plan switch_database database={context.parameters.database} version={_before(context)}` goes back."
        )
    for label in (_new_label(context), _kept_label(context)):
        version = present.secret.find_version(label)
        if version is not None:
            present.secrets.drop_label(present.secret.name, label, version=version)
    return f"Secret {present.secret.name} leads to {observed['from']} as before; the application was not touched."


def _look(context: Context[SwitchDatabase]) -> Connection:
    return find_connection(context.world, context.parameters.database)


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
