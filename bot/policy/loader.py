"""Reading the policy file, and saying everything that is wrong with it at once."""

import copy
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bot.policy.keys import default_policy_path, find_examples, list_children
from bot.policy.policy import Policy
from bot.policy.problems import PolicyError, Problem, describe_errors, describe_faults
from bot.policy.yaml_source import PlainValue, Source, read_yaml


def load_policy(path: Path | None) -> Policy:
    """Read the policy from a YAML file, or the default policy where there is none.

    Raises PolicyError with all problems of the file.
    """
    file = path or default_policy_path()
    source = read_source(file)
    problems = list(describe_faults(source, file))
    if problems and source.value is None:
        raise PolicyError(problems)
    try:
        policy = Policy.model_validate(source.value)
    except ValidationError as error:
        problems += describe_errors(error, source, file)
        problems += find_hidden_problems(error, source, file)
        raise PolicyError(problems) from None
    if problems:
        raise PolicyError(problems)
    return policy


def check_policy(path: Path) -> list[str]:
    """Everything that is wrong with a policy file, one line each; empty when it can be used."""
    try:
        load_policy(path)
    except PolicyError as error:
        return [str(problem) for problem in error.problems]
    return []


def read_source(file: Path) -> Source:
    """Read the text of a file as YAML. Raises PolicyError when it cannot be opened or is not UTF-8."""
    try:
        return read_yaml(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise PolicyError([Problem(file, None, (), f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise PolicyError([Problem(file, None, (), f"is not UTF-8 text: {error.reason}")]) from error


def find_hidden_problems(error: ValidationError, source: Source, file: Path) -> list[Problem]:
    """The contradictions that single wrong values hide.

    Sections are compared only when each is right by itself, so the wrong values are replaced for a second
    look. Nothing is said about the neighbours of a replaced value, which may rest on it.
    """
    details = error.errors()
    rest = copy.deepcopy(source.value)
    if not all(mend(rest, detail) for detail in details):
        return []
    try:
        Policy.model_validate(rest)
    except ValidationError as further:
        mended = [detail["loc"][:-1] for detail in details if len(detail["loc"]) > 1]
        hidden = describe_errors(further, source, file)
        return [item for item in hidden if not any(item.path[: len(around)] == around for around in mended)]
    return []


def mend(value: PlainValue, detail: ErrorDetails) -> bool:
    """Remove an unknown key, or put the default policy's value in the place of a wrong or missing one.

    False for anything larger than a single value: other sections may refer to what should have been there.
    """
    path, unknown = detail["loc"], detail["type"] == "extra_forbidden"
    replacement = next(iter(find_examples(path)), None)
    if not unknown and not isinstance(replacement, str | int):
        return False
    for step in path[:-1]:
        value = list_children(value).get(step)
    if not isinstance(value, dict):
        return False
    value.pop(str(path[-1]), None)
    if not unknown:
        value[str(path[-1])] = replacement
    return True
