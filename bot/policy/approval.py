"""Who may let a plan run, by the plan's risk."""

from typing import Literal

from pydantic import Field, model_validator

from bot.policy.durations import PositiveDuration
from bot.policy.section import Key, Section

Risk = Literal["low", "high", "destructive"]


class ApprovalRule(Section):
    """What a plan of a given risk needs before it may run."""

    quorum: int = Field(ge=0, le=20)
    """How many different people must approve; 0 lets the plan run at once."""
    roles: list[Key]
    """Roles whose holders may approve; empty only where the quorum is 0."""
    requester_may_approve: bool
    """Whether the person who asked for the plan counts towards the quorum."""
    expires_after: PositiveDuration
    """How long a plan waits for its approvals before it lapses."""
    typed_confirmation: bool
    """Whether an approver types the name of the target."""

    @model_validator(mode="after")
    def check_roles(self) -> "ApprovalRule":
        """Refuse a quorum that nobody is named for."""
        if self.quorum and not self.roles:
            raise ValueError(f"a quorum of {self.quorum} needs `roles` whose holders may approve")
        return self
