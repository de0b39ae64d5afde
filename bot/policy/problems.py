"""What is wrong with a policy file, said so that it can be put right: place, key, rule, example."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bot.policy.coherence import Contradictions, suggest_name
from bot.policy.keys import list_names_beside, write_example
from bot.policy.section import KeyPath
from bot.policy.yaml_source import Place, Source

EXPECTED = {
    "missing": "is required",
    "string_type": "must be text (put numbers in quotes)",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be a mapping of names to values",
    "model_type": "must be a mapping of keys to values",
    "string_too_short": "must not be empty",
}


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a policy file; `place` is None when the file cannot be read at all."""

    file: Path
    place: Place | None
    path: KeyPath
    rule: str

    def __str__(self) -> str:
        """FILE:LINE:COLUMN: key: rule; for example: …"""
        place = f":{self.place.line}:{self.place.column}" if self.place else ""
        key = f"{'.'.join(map(str, self.path))} " if self.path else ""
        example = write_example(self.path)
        return f"{self.file}{place}: {key}{self.rule}{f'; for example: {example}' if example else ''}"


class PolicyError(Exception):
    """The policy file cannot be used; `problems` holds everything wrong with it, from the top down."""

    def __init__(self, problems: list[Problem]) -> None:
        """Put the problems in the order of the file."""
        self.problems = sorted(problems, key=lambda problem: (problem.place or Place(0, 0), problem.path != ()))
        super().__init__("\n".join(map(str, self.problems)))


def describe_faults(source: Source, file: Path) -> Iterator[Problem]:
    """Yield what is wrong with the writing of a file."""
    for fault in source.faults:
        yield Problem(file, fault.place, fault.path, fault.rule)


def describe_errors(error: ValidationError, source: Source, file: Path) -> Iterator[Problem]:
    """Yield what pydantic, or the check of the sections against one another, found wrong."""
    for details in error.errors():
        cause = details.get("ctx", {}).get("error")
        if isinstance(cause, Contradictions):
            for path, rule in cause.found:
                yield Problem(file, source.place_of_value(path), path, rule)
        else:
            yield describe_error(details, source, file)


def describe_error(details: ErrorDetails, source: Source, file: Path) -> Problem:
    """One error of pydantic's in our words, at its place in the file."""
    path, kind = details["loc"], details["type"]
    if path and path[-1] == "[key]":
        path = path[:-1]
        return Problem(file, source.place_of_key(path), path, f"is not a name allowed here: {write_rule(details)}")
    if kind == "extra_forbidden":
        known = list_names_beside(path)
        hint = suggest_name(str(path[-1]), known) or f"; known here: {', '.join(known)}"
        return Problem(file, source.place_of_key(path), path, f"is unknown{hint}")
    return Problem(file, source.place_of_value(path), path, write_rule(details))


def write_rule(details: ErrorDetails) -> str:
    """The rule that a value breaks, completing a sentence that begins with its key."""
    kind, found, context = details["type"], details["input"], details.get("ctx", {})
    if kind == "value_error":
        return f"is refused: {context['error']}"
    if kind == "literal_error":
        allowed = str(context["expected"]).replace("'", "")
        return f'must be one of {allowed}, not "{found}"'
    if kind in EXPECTED:
        blank = "; nothing is written there" if found is None else ""
        return f"{EXPECTED[kind]}{blank}"
    return (
        details["msg"].replace("Input should", "must").replace("List should", "must").replace(" after validation", "")
    )
