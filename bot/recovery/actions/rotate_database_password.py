"""Give the application's role on its database a new password. (Document: Security; Secrets Inventory, connection.)

The new URL is put beside the present one as AWSPENDING, the role gets its password, a login proves it, and only then
AWSCURRENT moves. From the change to the restart the application can open no new connection, so nothing waits there.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

from pydantic import Field, SecretStr

from bot.outcome import Failed, Refused
from bot.policy import Policy
from bot.recovery.action import Action, Context, Evidence, Facts, History, Parameters, Step, World
from bot.recovery.application_restart import read_starts, restart_hosts
from bot.recovery.backups import settings_of
from bot.recovery.connection_secret import Connection, describe_place, find_connection
from bot.recovery.environment_file import write_environment
from bot.recovery.final_look import look_finally
from bot.recovery.on_hosts import open_application_hosts
from bot.recovery.secret_versions import (
    MOVE_PERMISSIONS,
    VERSION,
    Entry,
    drop_labels,
    find_entry,
    keep_version,
    move_current,
    put_version,
    tell_version,
)
from bot.recovery.side_plan import list_moved
from bot.recovery.touched import touch_connection
from bot.store.documents import Loss, PlanDocument, Prediction, Suggestion, Verdict
from bot.systems.hosts.ssm import PERMISSIONS as HOST_PERMISSIONS
from bot.systems.role_password import (
    asks_for_password,
    end_older_sessions,
    logs_in,
    password_of,
    replace_password,
    role_of,
    set_password,
)
from bot.systems.secrets import fingerprint, read_url, token_for
from bot.words import show_duration

STARTS = "starts"
GUESS_S = 30.0


class RotatePassword(Parameters):
    database: str = Field(title="Database", description="Whose application's role gets a new password.")
    version: str | None = Field(
        default=None, title="Or the password of this earlier version of the secret", pattern=VERSION
    )


class RotateDatabasePassword(Action[RotatePassword]):
    name = "rotate_database_password"
    purpose = "Give the application's role on its database a new password"
    risk = "destructive"
    permissions = (*MOVE_PERMISSIONS, "secretsmanager:PutSecretValue", *HOST_PERMISSIONS)
    parameters = RotatePassword

    def target(self, parameters: RotatePassword) -> str:
        return parameters.database

    def touches(self, policy: Policy, parameters: RotatePassword) -> frozenset[str]:
        return touch_connection(policy, parameters.database)

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        if name == "database":
            return [(key, settings.title) for key, settings in world.policy.databases.items()]
        return None

    def application(self, world: World, parameters: RotatePassword) -> str | None:
        return settings_of(world, parameters.database).application

    def observe(self, world: World, parameters: RotatePassword) -> Facts:
        """The secret, the role and where it logs in. Raises `Refused` where a login would prove nothing, and so on."""
        present = find_connection(world, parameters.database)
        refuse_own_password(world, parameters.database)
        if not logs_in(present.url):
            raise Refused(
                f"The application's own URL does not lead into {describe_place(present.url)}.",
                "`/dr diagnose database` shows why; only its role may change its password.",
            )
        if not asks_for_password(present.url):
            raise Refused(
                f"{describe_place(present.url)} lets {role_of(present.url)} in with any password.",
                "A new one would change nothing there: see to `pg_hba.conf`.",
            )
        wanted = _read_version(world, present, parameters)
        return {
            "secret": present.secret.name,
            "current_version": present.secret.current,
            "current_fingerprint": fingerprint(present.value),
            "wanted_fingerprint": fingerprint(wanted) if wanted else None,
            "role": role_of(present.url),
            "place": describe_place(present.url),
        }

    def plan(self, world: World, parameters: RotatePassword, observed: Facts, history: History) -> PlanDocument:
        settings = settings_of(world, parameters.database)
        guess = Prediction(seconds=GUESS_S, source="a guess; not measured here yet")
        return self.document(
            parameters,
            observed,
            title=f"New password for {observed['role']} on {observed['place']}",
            environment=settings.environment,
            loss=Loss(seconds=0, rows=0, words="no data; what users are typing may have to be sent again"),
            downtime=history.downtime or guess,
            duration=history.duration or guess,
            way_back=(
                f"The password of version {observed['current_version']}, which is kept, is set again in the same way."
            ),
            confirm=parameters.database,
            notes=[*_describe_secret(parameters, observed), *_describe_application(world, settings.application)],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        return list_moved(planned, now, ("secret", "current_version", "wanted_fingerprint", "role", "place"))

    def steps(self) -> list[Step[RotatePassword]]:
        return [
            Step("keep", "Give the present version a name that stays", keep),
            Step("prepare", "Put a URL with the new password beside it, as AWSPENDING", prepare),
            Step("change", "Give the role its new password, and log in with it", change, cancellable=False),
            Step("switch", "Move AWSCURRENT to the new version", switch, switched, cancellable=False),
            Step(
                "environment", "Write the environment file on each host", environment, phase="restart",
                cancellable=False, skipping="the new password in the environment file; write it by hand",
            ),
            Step(
                "application", "Restart the application, host by host", application, phase="restart",
                cancellable=False, skipping="a restart; until then the application opens no new connection",
            ),
            Step(
                "sessions", "End the role's sessions from before the change", sessions, phase="restart",
                cancellable=False, skipping="the end of sessions that somebody may have opened with the old password",
            ),
        ]  # fmt: skip

    def verify(self, context: Context[RotatePassword]) -> Evidence:
        return measure(context)

    def clean_up(self, context: Context[RotatePassword]) -> str:
        return tidy(context)

    def undo(self, parameters: RotatePassword, plan: PlanDocument, outputs: dict[str, Facts]) -> Suggestion | None:
        before = plan.observed["current_version"]
        given = {"database": parameters.database, "version": before}
        return Suggestion(action=self.name, label="Set the old password", parameters=given)


def refuse_own_password(world: World, database: str) -> None:
    """A bot that has no role of its own would shut itself out."""
    settings = settings_of(world, database)
    if not world.environment.get(settings.recovery_env):
        raise Refused(
            f"{settings.recovery_env} is not set, so the bot itself uses the application's password.",
            "Give it a role of its own first; it would be shut out.",
        )


def _read_version(world: World, present: Connection, parameters: RotatePassword) -> SecretStr | None:
    """The earlier version that is to hold again. Raises `Refused` where it is another role's, or leads elsewhere."""
    if parameters.version is None:
        return None
    if parameters.version == present.secret.current:
        raise Refused("That version is the current one.", "There is nothing to do.")
    wanted = present.secrets.read(present.secret.name, parameters.version)
    url = read_url(wanted, present.secret.name)
    if (role_of(url), describe_place(url)) != (role_of(present.url), describe_place(present.url)):
        raise Refused(
            f"Version {parameters.version} leads to {describe_place(url)} as {role_of(url)}.",
            "`/dr plan switch_database` goes to another database.",
        )
    return wanted


def _describe_secret(parameters: RotatePassword, observed: Facts) -> list[str]:
    new = "The new password is made here at random."
    if parameters.version:
        new = f"The password is that of version {parameters.version}, fingerprint {observed['wanted_fingerprint']}."
    return [
        f"Secret {observed['secret']}: version {observed['current_version']} ({observed['current_fingerprint']}).",
        new,
        "The server is given a SCRAM verifier, never the password.",
        f"Whoever else logs in as {observed['role']} is shut out until they have the new one.",
    ]


def _describe_application(world: World, application: str) -> list[str]:
    if not _has_file(world, application):
        return [
            "The policy has no host of the application with an environment file.",
            "Once the secret has moved, somebody must restart it; sessions with the old password go on.",
        ]
    titles = ", ".join(host.title for host in world.policy.hosts.values() if host.application == application)
    return [
        f"Environment file and restart, in this order: {titles}.",
        "The file gets the present versions of its other secrets, too.",
        "Then every session of the role from before the change is ended, whoever has it.",
    ]


def keep(context: Context[RotatePassword]) -> Facts:
    return keep_version(context, _entry(context), _before(context))


def prepare(context: Context[RotatePassword]) -> Facts:
    """An earlier version is there already."""
    if context.parameters.version:
        return tell_version(_entry(context), context.parameters.version)
    entry, before = _entry(context), _before(context)
    return put_version(context, entry, lambda: replace_password(entry.secrets.read(entry.name, before), entry.name))


def change(context: Context[RotatePassword]) -> Facts:
    """Whether it has been done, perhaps before a crash, is seen by logging in."""
    old, new = _value(context, _before(context)), _value(context, _wanted(context))
    at = context.world.now()
    if not logs_in(_url(context, new)):
        if not logs_in(_url(context, old)):
            raise Failed(
                f"{context.plan.observed['place']} lets {context.plan.observed['role']} in with neither password.",
                "The server may be away, or somebody else changed it.", "`/dr diagnose database` shows which.",
            )  # fmt: skip
        at = set_password(_url(context, old), password_of(new, _entry(context).name))
        if not logs_in(_url(context, new)):
            raise Failed("The new password does not lead in.", "It was set.", "Look at the server's log.")
    return {"at": at.isoformat(), "words": f"{context.plan.observed['role']} logs in with it"}


def switch(context: Context[RotatePassword]) -> Facts:
    return move_current(context, _entry(context), _before(context), _wanted(context))


def switched(context: Context[RotatePassword]) -> Facts | None:
    entry, wanted = _entry(context), _wanted(context)
    return tell_version(entry, wanted, "is AWSCURRENT") if entry.look().current == wanted else None


def environment(context: Context[RotatePassword]) -> Facts:
    if not _has_file(context.world, _application(context)):
        return {"words": "the policy names no file on a host"}
    done, lasting = [], replace(context, cancelled=lambda: False)  # begun with the password, it is finished
    for host in open_application_hosts(context.world, _application(context)):
        context.progress(f"writing on {host.host.title}")
        write_environment(lasting, host)
        done.append(host.host.title)
    return {"words": f"written on {', '.join(done)}"}


def application(context: Context[RotatePassword]) -> Facts:
    """In which start each host was when the step began lasts, so that after a crash no host is restarted twice."""
    key = _application(context)
    if not _has_file(context.world, key):
        service = context.world.policy.applications[key].service
        return {"restarted": False, "words": f"to be restarted by hand: systemctl restart {service}"}
    kept = context.memory.recall(STARTS) or json.dumps(read_starts(context.world, key))
    context.memory.keep(STARTS, kept)
    lasting = replace(context, cancelled=lambda: False)
    return {"restarted": True, **restart_hosts(lasting, key, json.loads(kept))}


def sessions(context: Context[RotatePassword]) -> Facts:
    """Only once the application has other ones; it would be cut off otherwise."""
    if not context.outputs["application"].get("restarted"):
        return {"ended": None, "words": "left alone: the application was not restarted"}
    at = datetime.fromisoformat(str(context.outputs["change"]["at"]))
    count = end_older_sessions(_url(context, _value(context, _wanted(context))), at)
    return {"ended": count, "words": f"{count} ended" if count else "there were none"}


def measure(context: Context[RotatePassword]) -> Evidence:
    """Which password leads in, what readers of the secret get, and how the application is."""
    entry, wanted = _entry(context), _wanted(context)
    old, new = (_url(context, _value(context, version)) for version in (_before(context), wanted))
    current, logged, still = entry.look().current, logs_in(new), logs_in(old)
    present = find_connection(context.world, context.parameters.database)
    verdicts = [
        Verdict(name="New password", expected="leads in", found="leads in" if logged else "does not", good=logged),
        Verdict(
            name="Old password", expected="turned away", found="leads in" if still else "turned away",
            good=logged and not still,
        ),
        Verdict(name="Secret", expected=f"version {wanted}", found=f"version {current}", good=current == wanted),
        *look_finally(present.application, present.settings, present.url),
    ]  # fmt: skip
    gap_s = context.outputs["application"].get("gap_s")
    measured: Facts = {"version": wanted}
    if gap_s is not None:
        measured |= {"downtime_s": gap_s, "downtime": f"{show_duration(float(str(gap_s)))} seen by a client"}
    return Evidence(
        verdicts, measured, f"The version before it is kept; `/dr undo {context.run_id}` sets its password."
    )


def tidy(context: Context[RotatePassword]) -> str:
    """Before the secret has moved, the old password is set again: the application knows no other."""
    entry, before, role = _entry(context), _before(context), context.plan.observed["role"]
    if entry.look().current == _wanted(context):
        return (
            f"{role} has its new password and {entry.name} holds it; a host has it once its file is written and it is "
            f"restarted. `/dr plan rotate_database_password database={context.parameters.database} version={before}` "
            "goes back."
        )
    if _wanted(context) in entry.look().labels:
        old, new = _value(context, before), _value(context, _wanted(context))
        if not logs_in(_url(context, old)):
            if not logs_in(_url(context, new)):  # which of them holds is not known: neither may be thrown away
                return (
                    f"{context.plan.observed['place']} lets {role} in with neither password now. Both are kept, in "
                    f"versions {before} and {_wanted(context)} of {entry.name}. Once the server answers, "
                    f"`/dr retry {context.run_id}` gives {role} the old one again where the new one holds."
                )
            set_password(_url(context, new), password_of(old, entry.name))
    drop_labels(context, entry)
    return f"{role} has its old password, and {entry.name} is at version {before} as before."


def _entry(context: Context[RotatePassword]) -> Entry:
    return find_entry(context.world, settings_of(context.world, context.parameters.database).connection_env)


def _application(context: Context[RotatePassword]) -> str:
    return settings_of(context.world, context.parameters.database).application


def _has_file(world: World, application: str) -> bool:
    hosts = any(host.application == application for host in world.policy.hosts.values())
    return hosts and world.policy.applications[application].environment_file is not None


def _before(context: Context[RotatePassword]) -> str:
    return str(context.plan.observed["current_version"])


def _wanted(context: Context[RotatePassword]) -> str:
    return context.parameters.version or token_for(context.mark)


def _value(context: Context[RotatePassword], version: str) -> SecretStr:
    entry = _entry(context)
    return entry.secrets.read(entry.name, version)


def _url(context: Context[RotatePassword], value: SecretStr) -> str:
    return read_url(value, _entry(context).name)


ACTION = RotateDatabasePassword()
