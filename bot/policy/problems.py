"""What is wrong with a policy file, said so that it can be put right: place, key, rule, example."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bot.policy.coherence import Contradictions, find_nearest
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
    example: str = ""

    def __str__(self) -> str:
        """FILE:LINE:COLUMN: key rule; for example: …"""
        place = f":{self.place.line}:{self.place.column}" if self.place else ""
        key = f"{'.'.join(map(str, self.path))} " if self.path else ""
        return f"{self.file}{place}: {key}{self.rule}{f'; for example: {self.example}' if self.example else ''}"


class PolicyError(Exception):
    """The policy file cannot be used; `problems` holds everything wrong with it, from the top down."""

    def __init__(self, problems: list[Problem]) -> None:
        """Put the problems in the order of the file."""
        self.problems = sorted(problems, key=lambda problem: (problem.place or Place(0, 0), problem.path != ()))
        super().__init__("\n".join(map(str, self.problems)))


def describe_faults(source: Source, file: Path) -> Iterator[Problem]:
    """Yield what is wrong with the writing of a file."""
    for fault in source.faults:
        yield Problem(file, fault.place, fault.path, fault.rule, write_example(fault.path))


def describe_errors(error: ValidationError, source: Source, file: Path) -> Iterator[Problem]:
    """Yield what pydantic, or the check of the sections against one another, found wrong."""
    for details in error.errors():
        cause = details.get("ctx", {}).get("error")
        if isinstance(cause, Contradictions):
            for path, rule in cause.found:
                yield Problem(file, source.place_of_value(path), path, rule, write_example(path))
        elif details["type"] == "extra_forbidden":
            yield describe_unknown_key(details["loc"], source, file)
        else:
            yield describe_error(details, source, file)


def describe_unknown_key(path: KeyPath, source: Source, file: Path) -> Problem:
    """A key that the policy does not have, with the one that was probably meant."""
    known = list_names_beside(path)
    nearest = find_nearest(str(path[-1]), known)
    hint = f'did you mean "{nearest}"?' if nearest else f"known here: {', '.join(known)}"
    example = write_example((*path[:-1], nearest)) if nearest else ""
    return Problem(file, source.place_of_key(path), path, f"is unknown; {hint}", example)


def describe_error(details: ErrorDetails, source: Source, file: Path) -> Problem:
    """One error of pydantic's in our words, at its place in the file."""
    path, rule, place = details["loc"], write_rule(details), source.place_of_value(details["loc"])
    if path and path[-1] == "[key]":
        path = path[:-1]
        rule, place = f"is not a name allowed here: {rule}", source.place_of_key(path)
    return Problem(file, place, path, rule, write_example(path))


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
