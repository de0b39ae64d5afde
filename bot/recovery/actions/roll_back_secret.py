"""Go back to an earlier version of a secret, by its label. (Document: Secrets Inventory, Recovery Method.)

AWSCURRENT moves; the old value is not put again, and the version that is left stays under a name.
"""

from __future__ import annotations

from pydantic import Field

from bot.outcome import Refused
from bot.recovery.action import Action, Context, Evidence, Facts, History, Needless, Parameters, Step, World
from bot.recovery.secret_versions import (
    MOVE_PERMISSIONS,
    VERSION,
    Entry,
    drop_labels,
    find_entry,
    keep_version,
    list_entries,
    move_current,
    require_current,
    tell_version,
)
from bot.recovery.side_plan import list_moved
from bot.store.documents import Loss, PlanDocument, Prediction, Suggestion, Verdict
from bot.systems.role_password import logs_in
from bot.systems.secrets import PREVIOUS, Secret, read_url


class RollBackSecret(Parameters):
    secret: str = Field(title="Secret", description="A key of the policy's secrets, such as SESSION_SECRET.")
    version: str | None = Field(
        default=None, title="To this version", description="Without it: the one before the present.", pattern=VERSION
    )


class RollBackTheSecret(Action[RollBackSecret]):
    name = "roll_back_secret"
    purpose = "Go back to an earlier version of a secret"
    risk = "high"
    permissions = MOVE_PERMISSIONS
    parameters = RollBackSecret

    def target(self, parameters: RollBackSecret) -> str:
        return parameters.secret

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        """Secrets; then the versions of the one that was chosen, without their values."""
        if name == "secret":
            return list_entries(world)
        if name != "version" or not given.get("secret"):
            return None
        found = find_entry(world, str(given["secret"])).look()
        return [
            (one, f"{one[:8]}… ({', '.join(on)})") for one, on in found.labels.items() if on and one != found.current
        ]

    def observe(self, world: World, parameters: RollBackSecret) -> Facts:
        """Both versions. Raises `Refused` where there is nothing to go back to."""
        entry = find_entry(world, parameters.secret)
        secret, current = require_current(entry)
        wanted = parameters.version or find_previous(secret)
        if wanted == current:
            raise Needless(f"Version {wanted} of {parameters.secret} is the current one.", "There is nothing to do.")
        refuse_useless(entry, wanted)
        return {
            "secret": entry.name,
            "current_version": current,
            "current_fingerprint": entry.fingerprint(current),
            "wanted_version": wanted,
            "wanted_fingerprint": entry.fingerprint(wanted),
        }

    def plan(self, world: World, parameters: RollBackSecret, observed: Facts, history: History) -> PlanDocument:
        same = observed["current_fingerprint"] == observed["wanted_fingerprint"]
        return self.document(
            parameters,
            observed,
            title=f"Go back to version {str(observed['wanted_version'])[:8]}… of {parameters.secret}",
            loss=Loss(seconds=0, rows=0, words="no data"),
            downtime=Prediction(seconds=0, source="nothing is restarted"),
            duration=history.duration or Prediction(seconds=5, source="a guess"),
            way_back=f"AWSCURRENT moves back to version {observed['current_version']}.",
            confirm=parameters.secret,
            notes=[
                f"Now: version {observed['current_version']}, fingerprint {observed['current_fingerprint']}.",
                f"Then: version {observed['wanted_version']}, fingerprint {observed['wanted_fingerprint']}.",
                *(["Both have the same value: only the version changes."] if same else []),
                "The application has it once its environment file is written and it is restarted.",
            ],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        return list_moved(planned, now, ("secret", "current_version", "wanted_version", "wanted_fingerprint"))

    def steps(self) -> list[Step[RollBackSecret]]:
        return [
            Step("keep", "Give the present version a name that stays", keep),
            Step("move", "Move AWSCURRENT", move, moved, cancellable=False),
        ]

    def verify(self, context: Context[RollBackSecret]) -> Evidence:
        return measure(context)

    def clean_up(self, context: Context[RollBackSecret]) -> str:
        entry, wanted = find_entry(context.world, context.parameters.secret), _of(context, "wanted_version")
        if entry.look().current == wanted:
            return f"{entry.name} is at version {wanted}; {_of(context, 'current_version')} is kept."
        drop_labels(context, entry)
        return f"{entry.name} is at version {_of(context, 'current_version')} as before."

    def undo(self, parameters: RollBackSecret, plan: PlanDocument, outputs: dict[str, Facts]) -> Suggestion | None:
        before = plan.observed["current_version"]
        return Suggestion(
            action=self.name, label="Move it back", parameters={"secret": parameters.secret, "version": before}
        )


def refuse_useless(entry: Entry, version: str) -> None:
    """A label changes no password: raises `Refused` where a connection would not lead into its database."""
    if entry.policy.renewal != "database":
        return
    if not logs_in(read_url(entry.secrets.read(entry.name, version), entry.name)):
        raise Refused(
            f"Version {version} of {entry.variable} does not lead into its database.",
            "`rotate_database_password` sets an earlier version's password; `switch_database` goes to another server.",
        )


def find_previous(secret: Secret) -> str:
    """Raises `Refused` where there was none before the present one."""
    found = secret.find_version(PREVIOUS)
    if found is None:
        raise Refused(
            f"Secret {secret.name} has no version {PREVIOUS}.", "Name the version: `version=…`; the form lists them."
        )
    return found


def keep(context: Context[RollBackSecret]) -> Facts:
    return keep_version(context, find_entry(context.world, context.parameters.secret), _of(context, "current_version"))


def move(context: Context[RollBackSecret]) -> Facts:
    entry = find_entry(context.world, context.parameters.secret)
    return move_current(context, entry, _of(context, "current_version"), _of(context, "wanted_version"))


def moved(context: Context[RollBackSecret]) -> Facts | None:
    entry, wanted = find_entry(context.world, context.parameters.secret), _of(context, "wanted_version")
    return tell_version(entry, wanted, "is AWSCURRENT") if entry.look().current == wanted else None


def measure(context: Context[RollBackSecret]) -> Evidence:
    """What readers get now, by version and fingerprint."""
    entry, wanted = find_entry(context.world, context.parameters.secret), _of(context, "wanted_version")
    current = str(entry.look().current)
    shown = entry.fingerprint(current)
    verdict = Verdict(
        name="Secret",
        expected=f"version {wanted}, fingerprint {_of(context, 'wanted_fingerprint')}",
        found=f"version {current}, fingerprint {shown}",
        good=current == wanted and shown == _of(context, "wanted_fingerprint"),
    )
    words = "`/dr plan write_environment` and `restart_application` let the application have it."
    return Evidence([verdict], {"version": current}, words)


def _of(context: Context[RollBackSecret], name: str) -> str:
    return str(context.plan.observed[name])


ACTION = RollBackTheSecret()
