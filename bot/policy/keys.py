"""Which keys a policy may have, what each is for, and an example of each from the default policy."""

import textwrap
import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Union, get_args, get_origin

import yaml
from pydantic.fields import FieldInfo

from bot.policy.policy import Policy
from bot.policy.section import KeyPath, Section
from bot.policy.yaml_source import PlainValue, read_yaml

ANY = "*"
EXAMPLE_WIDTH = 120


@dataclass(frozen=True)
class PolicyKey:
    """A key of the policy; in its path `*` stands for any name or place in a list."""

    path: tuple[str, ...]
    required: bool
    description: str
    field: FieldInfo


def default_policy_path() -> Path:
    """The policy that is shipped: TraitorTrack's."""
    return Path(__file__).with_name("traitortrack.yml")


@cache
def list_keys() -> list[PolicyKey]:
    """Every key that a policy may have, in the order of the models."""
    return list(walk_keys(Policy, ()))


def walk_keys(section: type[Section], prefix: tuple[str, ...]) -> Iterator[PolicyKey]:
    """Yield the keys of a section and of the sections within it."""
    for name, field in section.model_fields.items():
        path = (*prefix, name)
        yield PolicyKey(path, field.is_required(), field.description or "", field)
        for inner, steps in find_sections(field.annotation):
            yield from walk_keys(inner, (*path, *steps))


def find_sections(annotation: object) -> Iterator[tuple[type[Section], tuple[str, ...]]]:
    """Yield the sections that a type holds, each with the steps that lead into it."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation, ()
    origin, arguments = get_origin(annotation), get_args(annotation)
    steps = (ANY,) if origin in (list, dict) else ()
    if origin in (list, dict, Union, types.UnionType):
        for argument in arguments:
            for inner, further in find_sections(argument):
                yield inner, (*steps, *further)


def list_names_beside(path: KeyPath) -> list[str]:
    """The names that are known at the level of the last key of a path."""
    return [key.path[-1] for key in list_keys() if matches(key.path[:-1], path[:-1])]


def matches(pattern: tuple[str, ...], path: KeyPath) -> bool:
    """Whether a path in a file is one of those that a pattern with `*` stands for."""
    return len(pattern) == len(path) and all(
        expected in (ANY, actual) for expected, actual in zip(pattern, path, strict=True)
    )


def find_examples(path: KeyPath) -> list[PlainValue]:
    """What the default policy says at a path, then at the same key of its neighbours; may be empty."""
    key = next((key for key in list_keys() if matches(key.path, path)), None)
    declared = key.field.examples if key else None
    return declared or list(find_values(read_default(), key.path if key else path, path))


def write_example(path: KeyPath) -> str:
    """How the default policy writes a key, on one line; for what it has not, the key around it.

    Empty where there is nothing to show.
    """
    name, found = path[-1] if path else None, find_examples(path)
    if isinstance(name, str) and found:
        return textwrap.shorten(write_line(name, found[0]), EXAMPLE_WIDTH, placeholder=" …")
    return write_example(path[:-1]) if path else ""


def write_line(name: str, value: PlainValue) -> str:
    """A key and its value as YAML on one line; of nested mappings only the first entry."""
    if isinstance(value, dict) and any(isinstance(item, dict) for item in value.values()):
        first = next(iter(value))
        return f"{name}: {{{write_line(first, value[first])}}}"
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10_000)
    plain = text.removesuffix("...\n").strip()
    return f"{name}: {plain}"


@cache
def read_default() -> PlainValue:
    """The default policy as it is written, unchecked."""
    return read_yaml(default_policy_path().read_text(encoding="utf-8")).value


def find_values(value: PlainValue, pattern: KeyPath, path: KeyPath) -> Iterator[PlainValue]:
    """Yield the values at a path, then those of its neighbours where the pattern has `*`."""
    if not path:
        yield value
        return
    children = list_children(value)
    exact = [path[0]] if path[0] in children else []
    others = [key for key in children if key != path[0]] if pattern[0] == ANY else []
    for key in exact + others:
        yield from find_values(children[key], pattern[1:], path[1:])


def list_children(value: PlainValue) -> dict[str | int, PlainValue]:
    """The parts of a mapping by name, of a list by place; of anything else none."""
    if isinstance(value, dict):
        return dict(value.items())
    return dict(enumerate(value)) if isinstance(value, list) else {}
