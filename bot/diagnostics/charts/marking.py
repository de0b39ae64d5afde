"""Marks, made ready for drawing: those at one time under one label where there is no room for all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.diagnostics.charts.chart import Mark, MarkKind
from bot.diagnostics.charts.layout import Place, place_labels

LANES = 4
RANK: tuple[MarkKind, ...] = ("incident", "resolved", "action", "deploy")
"""Who gets a place first."""


@dataclass(frozen=True)
class Label:
    """What is written for a mark, or for several that are near one another; no place where none was free."""

    mark: Mark
    text: str
    place: Place | None


def label_marks(
    marks: Sequence[Mark],
    to_x: Callable[[float], float],
    left: float,
    right: float,
    gap: float,
    fit: Callable[[str], tuple[str, float]],
) -> list[Label]:
    """A label for every mark, and where that does not do, one for those that are near one another.

    `to_x` gives the place of a time, `fit` what a text is cut to and its width then; all in one unit of length.
    """
    labels = _label([[mark] for mark in marks], to_x, left, right, gap, fit)
    if all(one.place for one in labels):
        return labels
    return _label(_group(marks, to_x, gap), to_x, left, right, gap, fit)


def _label(
    groups: Sequence[Sequence[Mark]],
    to_x: Callable[[float], float],
    left: float,
    right: float,
    gap: float,
    fit: Callable[[str], tuple[str, float]],
) -> list[Label]:
    ordered = sorted(groups, key=lambda group: (RANK.index(group[0].kind), group[0].at))
    more = [f" (+{len(group) - 1})" if len(group) > 1 else "" for group in ordered]
    fitted = [fit(group[0].label + suffix) for group, suffix in zip(ordered, more, strict=True)]
    anchors = [min(max(to_x(group[0].at), left), right) for group in ordered]
    places = place_labels(anchors, [width for _, width in fitted], left, right, gap, LANES)
    return [Label(group[0], text, place) for group, (text, _), place in zip(ordered, fitted, places, strict=True)]


def _group(marks: Sequence[Mark], to_x: Callable[[float], float], near: float) -> list[list[Mark]]:
    """Those that are nearer than this to the first of their group; the one that ranks first gives the label."""
    groups: list[list[Mark]] = []
    for mark in sorted(marks, key=lambda one: one.at):
        if groups and to_x(mark.at) - to_x(groups[-1][0].at) < near:
            groups[-1].append(mark)
        else:
            groups.append([mark])
    return [sorted(group, key=lambda one: RANK.index(one.kind)) for group in groups]
