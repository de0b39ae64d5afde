"""An action's parameters as people give them: described for a form, read from words, and what is wrong with them."""

from __future__ import annotations

import shlex
import types
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import JsonValue, ValidationError
from pydantic.fields import FieldInfo

from bot.outcome import Refused
from bot.policy import Policy
from bot.recovery.action import Action, Parameters
from bot.recovery.registry import default_database

Kind = Literal["text", "number", "moment", "yes_no", "choice", "list"]


@dataclass(frozen=True)
class Parameter:
    """One parameter as a form shows it. `options` are (value, label) pairs where only these are right."""

    name: str
    title: str
    hint: str
    kind: Kind
    required: bool
    default: str
    options: tuple[tuple[str, str], ...] = ()


def describe_parameters(action: Action[Any]) -> list[Parameter]:
    """In the order of the action's own class."""
    model: type[Parameters] = action.parameters
    return [_describe(name, field) for name, field in model.model_fields.items()]


def split_words(text: str) -> list[str]:
    """Words as a shell would see them: what has blanks in it stands in quotes. Raises `Refused`."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise Refused(
            f"{text} cannot be read: {error}.", 'Put what has blanks in quotes: `name="two words"`.'
        ) from error


def parse_words(action: Action[Any], words: list[str], policy: Policy) -> dict[str, JsonValue]:
    """Read `name=value` pairs; a word alone is the first parameter.

    Where the first parameter is a database and none is named, the policy's first is meant. Raises `Refused`.
    """
    kinds = {parameter.name: parameter.kind for parameter in describe_parameters(action)}
    names = list(kinds)
    given: dict[str, JsonValue] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            name, value = (names or [""])[0], word
        if name not in names:
            takes = ", ".join(names) or "nothing"
            raise Refused(f"{action.name} has no parameter {name}; it takes {takes}.", f"For example `{names[0]}=…`.")
        given[name] = [*value.split(",")] if kinds[name] == "list" else value
    if "database" in names:
        given.setdefault("database", default_database(policy))
    return given


def find_problems(action: Action[Any], given: Mapping[str, JsonValue]) -> dict[str, str]:
    """By name of the parameter, what is wrong with it; empty when all is well."""
    try:
        action.parameters.model_validate(dict(given))
    except ValidationError as error:
        return {str(one["loc"][0]) if one["loc"] else "": str(one["msg"]) for one in error.errors()}
    return {}


def find_missing(action: Action[Any], given: Mapping[str, JsonValue]) -> list[str]:
    """Names of the parameters that are needed and not given."""
    return [one.name for one in describe_parameters(action) if one.required and one.name not in given]


def _describe(name: str, field: FieldInfo) -> Parameter:
    kind, options = _kind_of(field.annotation)
    default = "" if field.is_required() or field.default is None else _show_default(field.default)
    title = field.title or name.replace("_", " ").capitalize()
    return Parameter(name, title, field.description or "", kind, field.is_required(), default, options)


def _kind_of(annotation: Any) -> tuple[Kind, tuple[tuple[str, str], ...]]:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return _kind_of(next(one for one in inner if one is not type(None)))
    if origin is Literal:
        return "choice", tuple((str(one), str(one).replace("_", " ")) for one in inner)
    if origin in (list, tuple, set, frozenset):
        return "list", ()
    kinds: dict[Any, Kind] = {bool: "yes_no", int: "number", float: "number", datetime: "moment"}
    return kinds.get(annotation, "text"), ()


def _show_default(default: object) -> str:
    if isinstance(default, datetime):
        return default.isoformat()
    return str(default).lower() if isinstance(default, bool) else str(default)
