"""The secret of an application that goes over to another database: each version and label moved once.

A new version is put beside the present one, which gets a name that stays; then the label AWSCURRENT moves, and only
from the version that was planned. Every step is seen in the labels, so that whoever comes after a crash knows what is
done.
"""

from __future__ import annotations

from pydantic import Field, model_validator

from bot.outcome import Refused
from bot.recovery.action import Context, Facts, Parameters, World
from bot.recovery.connection_secret import Connection, find_after, find_connection
from bot.recovery.instances import InstanceName, RegionChoice, act_once
from bot.systems.secrets import CURRENT, fingerprint, read_url, token_for


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


def find_ends(world: World, parameters: SwitchDatabase) -> tuple[Connection, str]:
    """What the secret leads to now, and the URL that it is to lead to."""
    present = find_connection(world, parameters.database, parameters.region, parameters.application)
    after = find_after(world, present, parameters.instance, parameters.version)
    return present, read_url(after, present.secret.name)


def make_own(context: Context[SwitchDatabase]) -> Facts:
    """A replica takes no versions. Its primary's region is not asked: it may be gone."""
    present = look(context)
    if present.secret.replica_of is not None:
        act_once(
            context,
            lambda: present.secrets.stop_replication(present.secret.name),
            lambda: look(context).secret.replica_of is None,
        )
        return {"words": f"it is one of its own now, no replica of {present.secret.replica_of} any more"}
    return {"words": "it is one of its own"}


def is_own(context: Context[SwitchDatabase]) -> Facts | None:
    return {"words": "it is one of its own"} if look(context).secret.replica_of is None else None


def keep(context: Context[SwitchDatabase]) -> Facts:
    """AWSPREVIOUS moves on with the next change; a name of our own stays."""
    present, before = look(context), version_before(context)
    name, label = present.secret.name, kept_label(context)
    if kept(context) is None:
        act_once(
            context,
            lambda: present.secrets.move_label(name, label, to=before, away_from=None),
            lambda: kept(context) is not None,
        )
    return {"version": before, "words": f"version {before} is kept as {kept_label(context)}"}


def kept(context: Context[SwitchDatabase]) -> Facts | None:
    before = version_before(context)
    if look(context).secret.find_version(kept_label(context)) != before:
        return None
    return {"version": before, "words": f"version {before} is kept as {kept_label(context)}"}


def prepare(context: Context[SwitchDatabase]) -> Facts:
    """Nobody reads the new version yet. Its id is derived from the run, so that it is added once."""
    parameters, present = context.parameters, look(context)
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
    return _facts_of(context) if version_wanted(context) in look(context).secret.labels else None


def switch(context: Context[SwitchDatabase]) -> Facts:
    """Only from the version that was planned: AWS refuses when somebody else has moved the label."""
    present, before, wanted = look(context), version_before(context), version_wanted(context)
    if present.secret.current != wanted:
        act_once(
            context,
            lambda: present.secrets.move_label(present.secret.name, CURRENT, to=wanted, away_from=before),
            lambda: switched(context) is not None,
        )
    return _facts_of(context)


def switched(context: Context[SwitchDatabase]) -> Facts | None:
    return _facts_of(context) if look(context).secret.current == version_wanted(context) else None


def drop_labels(context: Context[SwitchDatabase]) -> None:
    """Labels that only this run made; a version without any is thrown away by Secrets Manager in time."""
    present = look(context)
    for label in (_new_label(context), kept_label(context)):
        version = present.secret.find_version(label)
        if version is not None:
            present.secrets.drop_label(present.secret.name, label, version=version)


def look(context: Context[SwitchDatabase]) -> Connection:
    parameters = context.parameters
    return find_connection(context.world, parameters.database, parameters.region, parameters.application)


def old_url(context: Context[SwitchDatabase]) -> str:
    """Of the database that is left, as the application had it."""
    present = look(context)
    name = present.secret.name
    return read_url(present.secrets.read(name, version_before(context)), name)


def new_url(context: Context[SwitchDatabase]) -> str:
    """Of the database that it goes to; once the secret leads there, that is where."""
    parameters, present = context.parameters, look(context)
    if present.secret.current == version_wanted(context):
        return present.url
    return read_url(find_after(context.world, present, parameters.instance, parameters.version), present.secret.name)


def version_before(context: Context[SwitchDatabase]) -> str:
    return str(context.plan.observed["current_version"])


def version_wanted(context: Context[SwitchDatabase]) -> str:
    return context.parameters.version or token_for(context.mark)


def _new_label(context: Context[SwitchDatabase]) -> str:
    return f"holdfast-{context.mark}"


def kept_label(context: Context[SwitchDatabase]) -> str:
    return f"holdfast-before-{context.mark}"


def _facts_of(context: Context[SwitchDatabase]) -> Facts:
    version = version_wanted(context)
    return {"version": version, "words": f"version {version} leads to {context.plan.observed['to']}"}
