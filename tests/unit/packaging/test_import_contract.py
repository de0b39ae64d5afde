"""The import contract speaks of every room. Whether it is kept, `make contract` says."""

from __future__ import annotations

import pkgutil
import re
from typing import Any

import bot
from tests.unit.packaging.checkout import read_project

ROOMS = {f"bot.{info.name}" for info in pkgutil.iter_modules(bot.__path__)} | {"handlers"}
OUTSIDE_WORLD = {
    "workspace", "page", "warehouse", "cloud", "machines", "mailbox", "strict_cloud", "primary_instance",
}  # fmt: skip


def find_contract(kind: str, word: str) -> dict[str, Any]:
    """The only contract of that type with the word in its name."""
    contracts: list[dict[str, Any]] = read_project()["tool"]["importlinter"]["contracts"]
    (found,) = [one for one in contracts if one["type"] == kind and word in one["name"]]
    return found


def test_every_room_has_its_place_in_the_house() -> None:
    layers = find_contract("layers", "house")["layers"]
    placed = {room for layer in layers for room in re.findall(r"[\w.]+", layer)}
    assert placed >= ROOMS, "put a new room where it belongs in pyproject.toml"


def test_who_poses_as_the_outside_world_is_kept_from_every_room() -> None:
    contract = find_contract("forbidden", "poses")
    assert {name.removeprefix("bot.sandbox.") for name in contract["source_modules"]} == OUTSIDE_WORLD
    assert set(contract["forbidden_modules"]) == ROOMS - {"bot.sandbox", "bot.__main__"}
