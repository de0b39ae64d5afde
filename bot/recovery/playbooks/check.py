"""Whether the playbooks of a policy name actions and parameters that there are.

The policy knows nothing of actions, so this is asked above it: when the bot starts, and by `holdfast policy check`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bot.policy import PlaybookStep, Policy, PolicyError, Problem, default_policy_path, load_policy
from bot.policy.coherence import Contradiction, suggest_name
from bot.policy.loader import read_source
from bot.recovery.registry import all_actions


def check_playbooks(policy: Policy, file: Path | None) -> None:
    """Raises `PolicyError` naming every step that could never run, with its place in the file."""
    found = list(find_impossible_steps(policy))
    if not found:
        return
    file = file or default_policy_path()
    source = read_source(file)
    raise PolicyError([Problem(file, source.place_of_value(path), path, rule) for path, rule in found])


def list_playbook_problems(file: Path) -> list[str]:
    """What is wrong with the playbooks of a policy file that is good by itself, one line each."""
    try:
        check_playbooks(load_policy(file), file)
    except PolicyError as error:
        return [str(problem) for problem in error.problems]
    return []


def find_impossible_steps(policy: Policy) -> Iterator[Contradiction]:
    """Yield the actions and parameters that do not exist, and those that are missing."""
    for key, playbook in policy.playbooks.items():
        for index, step in enumerate(playbook.steps):
            for path, rule in _find_faults(step):
                yield ("playbooks", key, "steps", index, *path), rule


def _find_faults(step: PlaybookStep) -> Iterator[Contradiction]:
    if step.action is None:
        return
    action = all_actions().get(step.action)
    if action is None:
        yield ("action",), f'"{step.action}" is not a recovery action{suggest_name(step.action, all_actions())}'
        return
    taken = action.parameters.model_fields
    for section, given in (("parameters", step.parameters), ("references", step.references)):
        for name in given:
            if name not in taken:
                yield (section, name), f"is not a parameter of {step.action}; it takes {', '.join(taken)}"
    for name, field in taken.items():
        if field.is_required() and name not in {*step.parameters, *step.references}:
            yield ("action",), f"needs the parameter {name}, which the step does not state"
