"""Which recovery actions are run for a kind of disaster, in which order, and under how many approvals."""

from typing import Literal

from pydantic import Field, model_validator

from bot.policy.section import Key, Section, Text

ConditionName = Literal[
    "always",
    "database_present",
    "database_missing",
    "rows_lost",
    "long_queries",
    "server_failed",
    "second_region_replica",
    "no_second_region_replica",
    "primary_region_answers",
]
ReferenceName = Literal[
    "database",
    "newest_verified_backup",
    "rds_instance",
    "rds_read_replica",
    "rds_restored_instance",
    "second_region_instance",
    "first_region_revision",
    "second_region_revision",
    "failed_server",
]


class PlaybookStep(Section):
    """One step: a recovery action, or what a person does where there is none."""

    title: Text
    """What it is for, in a few words."""
    action: Key | None = Field(default=None, examples=["back_up_database"])
    """Recovery action that is run; left out where a person does it."""
    manual: Text | None = Field(default=None, examples=["Log in and look at the dashboard"])
    """What a person does, who then says so with a press; left out where an action is run."""
    parameters: dict[Key, Text] = Field(default_factory=dict, examples=[{"mode": "terminate"}])
    """Parameters of the action with a fixed value."""
    references: dict[Key, ReferenceName] = Field(default_factory=dict, examples=[{"backup": "newest_verified_backup"}])
    """Parameters of the action that are looked up when the step's turn comes."""
    when: ConditionName = Field(default="always", examples=["database_present"])
    """The step is left out unless this is so; looked at when its turn comes."""
    phase: Text | None = Field(default=None, examples=["Restore"])
    """Phase of the disaster that its time counts for; where unset, what each step of the action says."""
    on_failure: Literal["pause", "stop"] = Field(default="pause", examples=["stop"])
    """Whether a failure waits for people (try again, leave out, stop) or ends the playbook."""
    skipping: Text | None = Field(default=None, examples=["no copy of the damaged state in S3"])
    """What is missing afterwards when the step is left out on purpose; where unset, it may not be."""

    @model_validator(mode="after")
    def check_doer(self) -> "PlaybookStep":
        """Refuse a step that nobody does, or two."""
        if (self.action is None) == (self.manual is None):
            raise ValueError("needs either `action` or `manual`")
        if self.action is None and (self.parameters or self.references):
            raise ValueError("`parameters` and `references` belong to an `action`")
        twice = sorted(self.parameters.keys() & self.references.keys())
        if twice:
            raise ValueError(f"{', '.join(twice)} stands in `parameters` and in `references`")
        return self


class Playbook(Section):
    """An ordered set of steps for a kind of disaster (document: Restore Procedures, Service Failover Procedures)."""

    title: Text
    """What it is called."""
    disaster: Key
    """Key of `disasters`: its RTO and phases apply, and the categories that name it offer this playbook."""
    approval: Literal["whole", "each"]
    """Whether one approval lets all of it run, or each action is approved at its turn."""
    steps: list[PlaybookStep] = Field(min_length=1)
    """What is done, in order."""
