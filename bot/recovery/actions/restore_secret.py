"""Bring back a secret that is scheduled for deletion. (Document: Secrets Inventory, Recovery Method.)"""

from __future__ import annotations

from pydantic import Field

from bot.outcome import Refused
from bot.recovery.action import Action, Context, Evidence, Facts, History, Parameters, Step, World
from bot.recovery.instances import act_once
from bot.recovery.secret_versions import find_entry, list_entries
from bot.store.documents import Loss, PlanDocument, Prediction, Verdict


class RestoreSecret(Parameters):
    secret: str = Field(title="Secret", description="A key of the policy's secrets, such as SESSION_SECRET.")


class RestoreTheSecret(Action[RestoreSecret]):
    name = "restore_secret"
    purpose = "Bring back a secret that is scheduled for deletion"
    risk = "low"
    permissions = ("secretsmanager:DescribeSecret", "secretsmanager:RestoreSecret")
    parameters = RestoreSecret

    def target(self, parameters: RestoreSecret) -> str:
        return parameters.secret

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        return list_entries(world)

    def observe(self, world: World, parameters: RestoreSecret) -> Facts:
        """When it is to go. Raises `Refused` where it is not to."""
        entry = find_entry(world, parameters.secret)
        secret = entry.look()
        if secret.deleted_at is None:
            raise Refused(
                f"{parameters.secret} ({entry.name}) is not scheduled for deletion.",
                "`/dr plan roll_back_secret` goes back to an earlier version of it.",
            )
        return {"secret": entry.name, "deleted_at": secret.deleted_at.isoformat(), "version": secret.current}

    def plan(self, world: World, parameters: RestoreSecret, observed: Facts, history: History) -> PlanDocument:
        return self.document(
            parameters,
            observed,
            title=f"Restore secret {observed['secret']}",
            loss=Loss(seconds=0, rows=0, words="no data"),
            downtime=Prediction(seconds=0, source="it is only readable again"),
            duration=history.duration or Prediction(seconds=5, source="a guess"),
            way_back="None is made: whoever wanted it deleted can ask for that again, with a waiting period of days.",
            confirm=parameters.secret,
            notes=[f"AWS deletes it at {observed['deleted_at']}; its versions and labels are as they were."],
        )

    def steps(self) -> list[Step[RestoreSecret]]:
        return [Step("restore", "Take the deletion back", restore)]

    def verify(self, context: Context[RestoreSecret]) -> Evidence:
        secret = find_entry(context.world, context.parameters.secret).look()
        gone = secret.deleted_at is not None
        found = "still scheduled for deletion" if gone else f"there, current version {secret.current}"
        good = not gone and secret.current is not None
        return Evidence([Verdict(name="Secret", expected="there, with a current version", found=found, good=good)])

    def clean_up(self, context: Context[RestoreSecret]) -> str:
        gone = find_entry(context.world, context.parameters.secret).look().deleted_at is not None
        return f"{context.parameters.secret} is {'still scheduled for deletion' if gone else 'restored'}."


def restore(context: Context[RestoreSecret]) -> Facts:
    """Where it is there already, perhaps since before a crash, nothing is asked for."""
    entry = find_entry(context.world, context.parameters.secret)
    if entry.look().deleted_at is not None:
        act_once(context, lambda: entry.secrets.restore(entry.name), lambda: entry.look().deleted_at is None)
    return {"words": f"{entry.name} is there again"}


ACTION = RestoreTheSecret()
