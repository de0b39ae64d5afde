"""What the product consists of, in which order it is recovered, and what depends on what."""

from typing import Literal

from pydantic import Field

from bot.policy.section import Key, Section, Text


class Component(Section):
    """A part of the product (document: Component Inventory, Dependency Map)."""

    title: Text
    """Name of the component."""
    criticality: Literal["critical", "medium", "low"]
    """How much depends on it."""
    reason: Text
    """Why it is that critical."""
    recovery_priority: int = Field(ge=1)
    """Place in the order of recovery; 1 comes first."""
    details: dict[Key, Text] = Field(default_factory=dict)
    """Facts that a responder wants at hand, such as type, size, location, backup."""
    depends_on: list[Key]
    """Keys of `components` that it cannot work without."""


class SinglePointOfFailure(Section):
    """Something whose failure alone stops the product (document: Single Points of Failure)."""

    component: Text
    """What may fail; need not be in `components`."""
    risk: Literal["high", "medium", "low"]
    """How big the risk is."""
    mitigation: Text
    """What is done about it."""
