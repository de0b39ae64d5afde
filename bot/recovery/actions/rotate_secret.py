"""Give a secret a new value that is made here at random. (Document: AWS Secrets Manager Setup, session key.)

Only for secrets that the policy says are ours to make. The value is made in this process and goes to Secrets Manager;
nobody sees it, and the version before stays under a name.
"""

from __future__ import annotations

from secrets import token_urlsafe

from pydantic import Field, SecretStr

from bot.outcome import Refused
from bot.recovery.action import Action, Context, Evidence, Facts, History, Parameters, Step, World
from bot.recovery.secret_versions import (
    MOVE_PERMISSIONS,
    drop_labels,
    find_entry,
    keep_version,
    list_entries,
    move_current,
    put_version,
    require_current,
    tell_version,
)
from bot.recovery.side_plan import list_moved
from bot.store.documents import Loss, PlanDocument, Prediction, Suggestion, Verdict
from bot.systems.secrets import token_for

RANDOM_BYTES = 64
"""As many as the document takes."""


class RotateSecret(Parameters):
    secret: str = Field(title="Secret", description="A key of the policy's secrets that is made at random.")


class RotateTheSecret(Action[RotateSecret]):
    name = "rotate_secret"
    purpose = "Give a secret that is ours to make a new random value"
    risk = "high"
    permissions = (*MOVE_PERMISSIONS, "secretsmanager:PutSecretValue")
    parameters = RotateSecret

    def target(self, parameters: RotateSecret) -> str:
        return parameters.secret

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        return list_entries(world, lambda one: one.renewal == "random")

    def observe(self, world: World, parameters: RotateSecret) -> Facts:
        """The present version. Raises `Refused` where the value is not ours to make, with what to do instead."""
        entry = find_entry(world, parameters.secret)
        if entry.policy.renewal == "database":
            raise Refused(
                f"{parameters.secret} holds the password of a database role.", "`/dr plan rotate_database_password`."
            )
        if entry.policy.renewal == "by_hand":
            raise Refused(
                f"{parameters.secret} is not made here: a random value would fit nothing.",
                entry.policy.by_hand or entry.policy.recovery,
            )
        _, current = require_current(entry)
        return {"secret": entry.name, "current_version": current, "current_fingerprint": entry.fingerprint(current)}

    def plan(self, world: World, parameters: RotateSecret, observed: Facts, history: History) -> PlanDocument:
        purpose = world.policy.secrets[parameters.secret].purpose
        return self.document(
            parameters,
            observed,
            title=f"Rotate {parameters.secret}",
            loss=Loss(seconds=0, rows=0, words="no data"),
            downtime=Prediction(seconds=0, source="nothing is restarted"),
            duration=history.duration or Prediction(seconds=5, source="a guess"),
            way_back=f"`roll_back_secret` moves AWSCURRENT back to {observed['current_version']}, which is kept.",
            confirm=parameters.secret,
            notes=[
                f"{observed['secret']}, for: {purpose}.",
                f"Now version {observed['current_version']}, fingerprint {observed['current_fingerprint']}.",
                f"The new value is {RANDOM_BYTES} random bytes in URL-safe base64.",
                "The application has it once its environment file is written and it is restarted.",
                "What was signed or encrypted with the old value is worth nothing then: users log in again.",
            ],
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        return list_moved(planned, now, ("secret", "current_version"))

    def steps(self) -> list[Step[RotateSecret]]:
        return [
            Step("keep", "Give the present version a name that stays", keep),
            Step("prepare", "Put a new random value beside it", prepare),
            Step("switch", "Move AWSCURRENT to it", switch, switched, cancellable=False),
        ]

    def verify(self, context: Context[RotateSecret]) -> Evidence:
        return measure(context)

    def clean_up(self, context: Context[RotateSecret]) -> str:
        entry = find_entry(context.world, context.parameters.secret)
        if entry.look().current == token_for(context.mark):
            return f"{entry.name} has its new value; version {_before(context)} is kept."
        drop_labels(context, entry)
        return f"{entry.name} is at version {_before(context)} as before."

    def undo(self, parameters: RotateSecret, plan: PlanDocument, outputs: dict[str, Facts]) -> Suggestion | None:
        before = plan.observed["current_version"]
        return Suggestion(
            action="roll_back_secret", label="Go back", parameters={"secret": parameters.secret, "version": before}
        )


def keep(context: Context[RotateSecret]) -> Facts:
    return keep_version(context, find_entry(context.world, context.parameters.secret), _before(context))


def prepare(context: Context[RotateSecret]) -> Facts:
    entry = find_entry(context.world, context.parameters.secret)
    return put_version(context, entry, lambda: SecretStr(token_urlsafe(RANDOM_BYTES)))


def switch(context: Context[RotateSecret]) -> Facts:
    entry = find_entry(context.world, context.parameters.secret)
    return move_current(context, entry, _before(context), token_for(context.mark))


def switched(context: Context[RotateSecret]) -> Facts | None:
    entry, new = find_entry(context.world, context.parameters.secret), token_for(context.mark)
    return tell_version(entry, new, "is AWSCURRENT") if entry.look().current == new else None


def measure(context: Context[RotateSecret]) -> Evidence:
    """Readers get this run's version, and it is another value than before."""
    entry, new = find_entry(context.world, context.parameters.secret), token_for(context.mark)
    current = str(entry.look().current)
    shown, before = entry.fingerprint(current), str(context.plan.observed["current_fingerprint"])
    verdicts = [
        Verdict(name="Secret", expected=f"version {new}", found=f"version {current}", good=current == new),
        Verdict(name="Value", expected=f"not {before}", found=f"fingerprint {shown}", good=shown != before),
    ]
    words = "`/dr plan write_environment` and `restart_application` let the application have it."
    return Evidence(verdicts, {"version": current}, words)


def _before(context: Context[RotateSecret]) -> str:
    return str(context.plan.observed["current_version"])


ACTION = RotateTheSecret()
