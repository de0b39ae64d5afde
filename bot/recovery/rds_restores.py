"""What every action has in common that restores into a new RDS instance, beside what is there."""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime
from typing import ClassVar

from bot.recovery.action import Action, Context, Evidence, Facts, History, P, Step, World
from bot.recovery.instances import environment_of
from bot.recovery.restored_instances import clean_up, find_ready, put_right, was_put_right
from bot.recovery.restored_proof import look_inside, measure
from bot.store.documents import Loss, PlanDocument, Prediction, Risk


class RdsRestore(Action[P]):
    """A subclass says what is restored, and begins to; its target is the new instance."""

    risk: ClassVar[Risk] = "high"
    restored: ClassVar[str]
    """What is restored, in a word: a moment, a snapshot, a copy."""

    @abstractmethod
    def preflight(self, context: Context[P]) -> Facts:
        """See that it can still be restored: people take their time to decide."""

    @abstractmethod
    def restore(self, context: Context[P]) -> Facts:
        """Begin it once, found again by its name and mark, and wait until it is available."""

    def draft(
        self, world: World, parameters: P, observed: Facts, history: History, *, title: str, loss: Loss,
        back_to: datetime, untouched: str, notes: list[str],
    ) -> PlanDocument:  # fmt: skip
        """A plan of such a restore; `untouched` is what is there and stays as it is."""
        expected = world.policy.infrastructure.rds.point_in_time_restore_time.at_most
        return self.document(
            parameters,
            observed,
            environment=environment_of(world),
            title=title,
            loss=loss,
            downtime=Prediction(seconds=0, source=f"{untouched} goes on as it is"),
            duration=history.duration
            or Prediction(seconds=expected.total_seconds(), source="the policy's figure, at most"),
            way_back=f"{untouched[0].upper()}{untouched[1:]} is not touched; the new instance can be deleted.",
            confirm=self.target(parameters),
            back_to=back_to,
            notes=notes,
        )

    def steps(self) -> list[Step[P]]:
        return [
            Step("preflight", f"Check the {self.restored} once more", self.preflight, phase="retrieval"),
            Step("restore", "Restore it into the new instance", self.restore, find_ready),
            Step(
                "settle", "Put right what the restore does not carry over", put_right, was_put_right, cancellable=False
            ),
            Step("look", "Count rows at the new endpoint", look_inside, phase="validation"),
        ]

    def verify(self, context: Context[P]) -> Evidence:
        return measure(context)

    def clean_up(self, context: Context[P]) -> str:
        return clean_up(context)
