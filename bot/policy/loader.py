"""Reading the policy file, and saying everything that is wrong with it at once."""

import copy
from pathlib import Path

from pydantic import ValidationError

from bot.policy.keys import default_policy_path
from bot.policy.policy import Policy
from bot.policy.problems import PolicyError, Problem, describe_errors, describe_faults
from bot.policy.section import KeyPath
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
    """What unknown keys hide: the sections are compared only when each is right by itself."""
    details = error.errors()
    if any(detail["type"] != "extra_forbidden" for detail in details):
        return []
    rest = copy.deepcopy(source.value)
    for detail in details:
        remove_key(rest, detail["loc"])
    try:
        Policy.model_validate(rest)
    except ValidationError as further:
        return list(describe_errors(further, source, file))
    return []


def remove_key(value: PlainValue, path: KeyPath) -> None:
    """Take a key, which must be there, out of nested mappings and lists."""
    for step in path[:-1]:
        value = value[step]  # type: ignore[index]
    del value[path[-1]]  # type: ignore[union-attr, arg-type]
