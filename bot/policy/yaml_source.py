"""Reading a YAML file together with the place of every key and value in it."""

import re
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml
from yaml.composer import ComposerError
from yaml.events import AliasEvent
from yaml.nodes import MappingNode, Node, SequenceNode
from yaml.reader import ReaderError

from bot.policy.section import KeyPath

PlainValue: TypeAlias = "dict[str, PlainValue] | list[PlainValue] | str | int | None"


@dataclass(frozen=True, order=True)
class Place:
    """A position in a file, counted from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Fault:
    """Something wrong with the writing of a file, whatever it means."""

    place: Place
    path: KeyPath
    rule: str


@dataclass
class Source:
    """What a YAML file says, where each part stands, and what is wrong with its writing.

    `value` holds plain dicts, lists, strings, whole numbers, booleans and None. Both maps
    of places go by the path of a part.
    """

    value: PlainValue = None
    key_places: dict[KeyPath, Place] = field(default_factory=dict)
    value_places: dict[KeyPath, Place] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def place_of_key(self, path: KeyPath) -> Place:
        """Where a key stands; for a list item its value; for what is missing, whatever should hold it."""
        while path:
            place = self.key_places.get(path) or self.value_places.get(path)
            if place:
                return place
            path = path[:-1]
        return Place(1, 1)

    def place_of_value(self, path: KeyPath) -> Place:
        """Where a value begins; for what is missing, whatever should hold it."""
        return self.value_places.get(path) or self.place_of_key(path)


class PlainLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # C takes a tenth of the time
    """YAML as people mean it: only null, true, false and whole numbers are not text.

    YAML 1.1, which PyYAML speaks, takes `on` and `no` for booleans, `2025-11-25` for a date and `12:30` for
    a number in base 60.
    """

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own


PlainLoader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(~|null|)$"), ["~", "n", ""])
PlainLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(true|false)$"), ["t", "f"])
PlainLoader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^(0|-?[1-9][0-9]{0,17})$"), list("-0123456789"))


def read_yaml(text: str) -> Source:
    """Read one YAML document. Raises nothing for what is written in it: see `Source.faults`."""
    source = Source()
    try:
        refuse_references(text)
        loader = PlainLoader(text)
        root = loader.get_single_node()
        if root is not None:
            source.value = build_value(loader, root, (), source)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = place_of(mark) if mark else Place(1, 1)
        source.faults.append(Fault(place, (), f"is not readable as YAML: {error.problem}"))
    except ReaderError as error:
        before = text[: error.position]
        place = Place(before.count("\n") + 1, error.position - before.rfind("\n"))
        source.faults.append(Fault(place, (), "holds a character that YAML does not allow"))
    return source


def refuse_references(text: str) -> None:
    """Anchors, aliases and tags are refused: nothing here needs them. Raises ComposerError at the first."""
    for event in yaml.parse(text, Loader=PlainLoader):
        written = getattr(event, "anchor", None) is not None or getattr(event, "tag", None) is not None
        if isinstance(event, AliasEvent) or written:
            words = "anchors (&), aliases (*) and tags (!) are not used; quote text"
            raise ComposerError(None, None, words, event.start_mark)  # type: ignore[arg-type] # C's mark is alike


def build_value(loader: PlainLoader, node: Node, path: KeyPath, source: Source) -> PlainValue:
    """Turn a node into plain values, noting the place of each part on the way."""
    source.value_places[path] = place_of(node.start_mark)
    if isinstance(node, MappingNode):
        return build_mapping(loader, node, path, source)
    if isinstance(node, SequenceNode):
        return [build_value(loader, item, (*path, index), source) for index, item in enumerate(node.value)]
    value: PlainValue = loader.construct_object(node)
    return value


def build_mapping(loader: PlainLoader, node: MappingNode, path: KeyPath, source: Source) -> dict[str, PlainValue]:
    """The part of `build_value` for mappings. The first of two equal keys counts, the second is a fault."""
    values: dict[str, PlainValue] = {}
    for key_node, value_node in node.value:
        key, place = str(key_node.value), place_of(key_node.start_mark)
        if key in values:
            first = source.key_places[(*path, key)]
            source.faults.append(Fault(place, (*path, key), f"is there twice; first on line {first.line}"))
            continue
        source.key_places[(*path, key)] = place
        values[key] = build_value(loader, value_node, (*path, key), source)
    return values


def place_of(mark: yaml.Mark) -> Place:
    """PyYAML counts from 0, editors from 1."""
    return Place(mark.line + 1, mark.column + 1)
