"""Give the application's role on its database a new password. (Document: Security; Secrets Inventory, connection.)

The new URL is put beside the present one as AWSPENDING, the role gets its password, a login proves it, and only then
AWSCURRENT moves. From the change to the restart the application can open no new connection, so nothing waits there.
"""

from __future__ import annotations

from pydantic import SecretStr

from bot.outcome import Refused
from bot.policy import Policy
from bot.recovery.action import Action, Context, Evidence, Facts, History, Step, World
from bot.recovery.application_restart import PERMISSIONS as RESTART_PERMISSIONS
from bot.recovery.backups import settings_of
from bot.recovery.connection_secret import Connection, describe_place, find_connection
from bot.recovery.environment_file import judge_left_behind
from bot.recovery.final_look import look_finally
from bot.recovery.password_rotation import (
    RotatePassword,
    application,
    change,
    entry_of,
    environment,
    has_file,
    keep,
    list_left_out,
    prepare,
    sessions,
    switch,
    switched,
    url_of,
    value_of,
    version_before,
    version_wanted,
)
from bot.recovery.secret_versions import (
    MOVE_PERMISSIONS,
    drop_labels,
)
from bot.recovery.side_plan import list_moved
from bot.recovery.touched import touch_connection
from bot.store.documents import Loss, PlanDocument, Prediction, Suggestion, Verdict
from bot.systems.role_password import (
    asks_for_password,
    logs_in,
    password_of,
    role_of,
    set_password,
)
from bot.systems.secrets import fingerprint, read_url
from bot.words import show_duration

GUESS_S = 30.0


class RotateDatabasePassword(Action[RotatePassword]):
    name = "rotate_database_password"
    purpose = "Give the application's role on its database a new password"
    risk = "destructive"
    permissions = (*MOVE_PERMISSIONS, "secretsmanager:PutSecretValue", *RESTART_PERMISSIONS)
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
    if not has_file(world, application):
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


def measure(context: Context[RotatePassword]) -> Evidence:
    """Which password leads in, what readers of the secret get, and how the application is."""
    entry, wanted = entry_of(context), version_wanted(context)
    old, new = (url_of(context, value_of(context, version)) for version in (version_before(context), wanted))
    current, logged, still = entry.look().current, logs_in(new), logs_in(old)
    present = find_connection(context.world, context.parameters.database)
    verdicts = [
        Verdict(name="New password", expected="leads in", found="leads in" if logged else "does not", good=logged),
        Verdict(
            name="Old password", expected="turned away", found="leads in" if still else "turned away",
            good=logged and not still,
        ),
        Verdict(name="Secret", expected=f"version {wanted}", found=f"version {current}", good=current == wanted),
        *judge_left_behind(context.world, list_left_out(context)),
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
    entry, before, role = entry_of(context), version_before(context), context.plan.observed["role"]
    if entry.look().current == version_wanted(context):
        return (
            f"{role} has its new password and {entry.name} holds it; a host has it once its file is written and it is "
            f"restarted. `/dr plan rotate_database_password database={context.parameters.database} version={before}` "
            "goes back."
        )
    if version_wanted(context) in entry.look().labels:
        old, new = value_of(context, before), value_of(context, version_wanted(context))
        if not logs_in(url_of(context, old)):
            if not logs_in(url_of(context, new)):  # which of them holds is not known: neither may be thrown away
                return (
                    f"{context.plan.observed['place']} lets {role} in with neither password now. Both are kept, in "
                    f"versions {before} and {version_wanted(context)} of {entry.name}. Once the server answers, "
                    f"`/dr retry {context.run_id}` gives {role} the old one again where the new one holds."
                )
            set_password(url_of(context, new), password_of(old, entry.name))
    drop_labels(context, entry)
    return f"{role} has its old password, and {entry.name} is at version {before} as before."


ACTION = RotateDatabasePassword()
