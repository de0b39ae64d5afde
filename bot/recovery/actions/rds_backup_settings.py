"""How long RDS keeps automated backups, and when it takes them. (Document: Automated Daily Backups.)"""

from __future__ import annotations

from pydantic import Field

from bot.recovery.action import Action, Context, Evidence, Facts, History, Parameters, Step, World
from bot.recovery.instance_changes import (
    CHANGE_PERMISSIONS,
    change,
    changed,
    judge,
    list_moved_instance,
    observe_change,
    tell_state,
)
from bot.recovery.instances import InstanceName, describe_pending, environment_of, list_choices, open_rds
from bot.store.documents import Loss, PlanDocument, Prediction, Suggestion
from bot.systems.rds_settings import Settings

LONGEST_DAYS = 35


class BackupSettings(Parameters):
    instance: InstanceName
    retention_days: int = Field(
        title="Days", description="How long automated backups are kept; RDS takes 1 to 35.", ge=1, le=LONGEST_DAYS
    )
    window: str = Field(
        title="Window",
        description="When they are taken, in UTC, such as 03:00-04:00; half an hour at least.",
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$",
    )

    @property
    def wanted(self) -> Settings:
        return {"BackupRetentionPeriod": self.retention_days, "PreferredBackupWindow": self.window}


class RdsBackupSettings(Action[BackupSettings]):
    name = "rds_backup_settings"
    purpose = "Set how long RDS keeps automated backups and when it takes them"
    risk = "high"
    permissions = CHANGE_PERMISSIONS
    parameters = BackupSettings

    def target(self, parameters: BackupSettings) -> str:
        return parameters.instance

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        daily = world.policy.backups.automated_daily
        found = {
            "instance": lambda: list_choices(world),
            "retention_days": lambda: [
                (str(days), f"{days} days") for days in (daily.retention.days, 14, LONGEST_DAYS)
            ],
            "window": lambda: [(daily.window, f"{daily.window} UTC, as the policy says")],
        }.get(name)
        return found() if found else None

    def observe(self, world: World, parameters: BackupSettings) -> Facts:
        return observe_change(world, parameters.instance, parameters.wanted)

    def plan(self, world: World, parameters: BackupSettings, observed: Facts, history: History) -> PlanDocument:
        instance = open_rds(world).observe(parameters.instance)
        days, before = parameters.retention_days, instance.retention_days
        pause = "none" if before else "writes may pause for seconds to minutes while the first backup begins"
        return self.document(
            parameters,
            observed,
            environment=environment_of(world),
            title=f"Keep backups of {parameters.instance} {days} days, taken at {parameters.window} UTC",
            loss=Loss(seconds=0, rows=0, words=_describe_loss(before, days)),
            downtime=Prediction(seconds=0, source=pause),
            duration=history.duration or Prediction(seconds=None, source="not measured here yet; a few minutes"),
            way_back=f"The settings before: {before} days, {instance.backup_window} UTC. What was deleted stays gone.",
            confirm=parameters.instance,
            notes=describe_pending(instance, tuple(parameters.wanted)),
        )

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        return list_moved_instance(planned, now)

    def steps(self) -> list[Step[BackupSettings]]:
        return [Step("change", "Change the settings and wait until they are so", apply, applied, cancellable=False)]

    def verify(self, context: Context[BackupSettings]) -> Evidence:
        return Evidence(judge(context, context.parameters.wanted), {}, "RDS takes and keeps backups as asked for.")

    def clean_up(self, context: Context[BackupSettings]) -> str:
        return tell_state(context, context.parameters.wanted)

    def undo(self, parameters: BackupSettings, plan: PlanDocument, outputs: dict[str, Facts]) -> Suggestion | None:
        """Without backups before, there is nothing that one would want back."""
        before = plan.observed["before"]
        if not isinstance(before, dict) or not before["BackupRetentionPeriod"]:
            return None
        days, window = before["BackupRetentionPeriod"], before["PreferredBackupWindow"]
        return Suggestion(
            action=self.name,
            label="The settings before",
            parameters={"instance": parameters.instance, "retention_days": days, "window": window},
        )


def apply(context: Context[BackupSettings]) -> Facts:
    return change(context, context.parameters.wanted)


def applied(context: Context[BackupSettings]) -> Facts | None:
    return changed(context, context.parameters.wanted)


def _describe_loss(before: int, days: int) -> str:
    if days >= before:
        return "nothing"
    return f"no data, but every automated backup older than {days} days is deleted for good"


ACTION = RdsBackupSettings()
