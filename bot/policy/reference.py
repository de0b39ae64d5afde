"""The reference of all keys in docs/policy.md, made from the models: `python -m bot.policy.reference`."""

from datetime import timedelta
from itertools import groupby
from typing import Literal, get_args, get_origin

from bot.policy.durations import Deadline
from bot.policy.keys import PolicyKey, list_keys, write_example
from bot.policy.section import Section

KINDS: dict[object, str] = {
    str: "text",
    int: "whole number",
    bool: "true or false",
    timedelta: "duration",
    Deadline: "deadline",
}


def render_reference() -> str:
    """Markdown: a heading for each section of the file, and a table of its keys."""
    lines = []
    for name, keys in groupby(list_keys(), key=lambda key: key.path[0]):
        lines += [f"### `{name}`", "", "| key | holds | meaning | example |", "|---|---|---|---|"]
        lines += [*map(render_row, keys), ""]
    return "\n".join(lines)


def render_row(key: PolicyKey) -> str:
    """One key as a row of the table."""
    optional = "" if key.required else " Optional."
    kind = describe_kind(key.field.annotation)
    example = "" if kind.endswith("section") else f"`{write_example(key.path).replace('|', '')}`"
    return f"| `{'.'.join(key.path)}` | {kind} | {' '.join(key.description.split())}{optional} | {example} |"


def describe_kind(annotation: object) -> str:
    """A type in the words of the docs."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return "section"
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin is list:
        return f"list of: {describe_kind(arguments[0])}"
    if origin is dict:
        return f"names, each with: {describe_kind(arguments[1])}"
    return describe_kind(arguments[0]) if arguments else KINDS[annotation]


if __name__ == "__main__":
    print(render_reference())
