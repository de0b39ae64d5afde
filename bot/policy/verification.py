"""What a user does with an application, step by step, and what must come back (document: Step 6, Verification)."""

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from bot.policy.durations import Duration
from bot.policy.section import EnvironmentName, Key, Section, Text, matching

GIVEN = ("user", "password", "mark")
"""What may stand in braces besides what earlier steps remembered: the login, and a mark unique to this verification."""
BRACES = re.compile(r"\{([^{}]*)\}")
Path = Annotated[str, matching(r"/[^\s?#]*", "the path of a web address, beginning with /")]
Values = dict[Text, str | int | float | bool]


class VerificationStep(Section):
    """One request and what must come back."""

    title: Text
    """What the user does."""
    method: Literal["GET", "POST", "PUT", "DELETE"] = "GET"
    """How it is asked."""
    path: Path
    """Where; braces hold what was given or remembered."""
    query: dict[Text, str] = Field(default_factory=dict, examples=[{"search": "{mark}"}])
    """What stands behind the question mark."""
    form: dict[Text, str] = Field(default_factory=dict, examples=[{"username": "{user}", "password": "{password}"}])
    """Fields of a form that is sent."""
    body: Values = Field(default_factory=dict, examples=[{"tag": "VERIFY-{mark}"}])
    """Fields of a JSON object that is sent."""
    status: int = Field(default=200, ge=100, le=599, examples=[200])
    """Status that must come back."""
    fields: Values = Field(default_factory=dict, examples=[{"status": "ok"}])
    """Fields of the JSON answer, each with the value that it must have."""
    figures: list[Text] = Field(default_factory=list, examples=[["total_bags"]])
    """Fields of the JSON answer that must be numbers."""
    contains: str = Field(default="", examples=["{mark}"])
    """Text that the answer must contain."""
    cookie: str = Field(default="", examples=["session"])
    """Cookie that must be set."""
    remember: dict[Key, Text] = Field(default_factory=dict, examples=[{"bag": "id"}])
    """Names for later steps, each with the field of the JSON answer that it stands for."""
    clean_up: bool = Field(default=False, examples=[True])
    """Done in any case, as far as what it needs was remembered: it takes away what an earlier step made."""


class Verification(Section):
    """How it is verified that the application works as users know it."""

    user_env: EnvironmentName | None = Field(default=None, examples=["TRAITORTRACK_TEST_USER"])
    """Environment variable with the login name of the test user."""
    password_env: EnvironmentName | None = Field(default=None, examples=["TRAITORTRACK_TEST_PASSWORD"])
    """Environment variable with the test user's password."""
    quiet_for: Duration
    """How long the log is watched for new errors; at most five minutes."""
    steps: list[VerificationStep] = Field(min_length=1)
    """In order."""

    @model_validator(mode="after")
    def check_names(self) -> "Verification":
        """Refuse braces that hold nothing that is known by then."""
        known = set(GIVEN)
        for step in self.steps:
            for text in (
                step.path,
                step.contains,
                *step.query.values(),
                *step.form.values(),
                *map(str, step.body.values()),
            ):
                unknown = [name for name in BRACES.findall(text) if name not in known]
                if unknown:
                    raise ValueError(
                        f'"{step.title}": {{{unknown[0]}}} is not known by then; known are {", ".join(sorted(known))}'
                    )
            known |= set(step.remember)
        return self
