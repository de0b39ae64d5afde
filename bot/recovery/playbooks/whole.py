"""One plan for a whole playbook: the plan of every action in it, as far as it can be made now, under one approval."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pydantic import JsonValue

from bot.outcome import Failed, Refused
from bot.policy import ApprovalRule, PlaybookStep, Policy, rule_for
from bot.recovery.action import Facts, Needless
from bot.recovery.playbooks.conditions import ask_condition
from bot.recovery.playbooks.references import Occasion, find_parameters
from bot.recovery.registry import all_actions, list_touched
from bot.store.documents import Loss, PlanDocument, PlannedStep, Prediction, Risk
from bot.store.tables import PlaybookRun, PlaybookTask
from bot.words import show_duration

PLAYBOOK = "playbook"
"""What stands for the action in the plan of a whole playbook, and the kind of its notice."""
RISKS: tuple[Risk, ...] = ("low", "high", "destructive")

Drafter = Callable[[str, dict[str, JsonValue]], PlanDocument]
"""Makes an action's plan from its name and parameters; raises `Refused` or `Failed`."""


@dataclass(frozen=True)
class Part:
    """What would be done at one step; without a document, why that cannot be told yet."""

    definition: PlaybookStep
    document: PlanDocument | None
    words: str = ""


def draft_parts(definitions: list[PlaybookStep], occasion: Occasion, draft: Drafter) -> list[Part]:
    """Every step as it would go now; read-only."""
    return [_draft_part(definition, occasion, draft) for definition in definitions]


def _draft_part(definition: PlaybookStep, occasion: Occasion, draft: Drafter) -> Part:
    if definition.action is None:
        return Part(definition, None, "done by a person")
    try:
        answer = ask_condition(definition.when, occasion)
        if not answer.met:
            return Part(definition, None, f"not needed as things are ({answer.words})")
        return Part(definition, draft(definition.action, find_parameters(definition, occasion)))
    except Needless as needless:
        return Part(definition, None, f"not needed as things are ({needless.reason.rstrip('.')})")
    except (Refused, Failed) as error:
        return Part(definition, None, f"cannot be planned yet: {error.words}".rstrip("."))


def describe_whole(title: str, run: PlaybookRun, parts: list[Part], policy: Policy) -> PlanDocument:
    """The document that is approved; the plans of its actions are in it, so its hash covers them.

    Raises `Refused` where no action of it can be planned.
    """
    documents = [part.document for part in parts if part.document]
    if not documents:
        reasons = "; ".join(f"{part.definition.title}: {part.words}" for part in parts if part.definition.action)
        raise Refused(f"No action of it can be planned now. {reasons}.", "`/dr diagnose` looks for the cause.")
    risk = max((document.risk for document in documents), key=RISKS.index)
    whole = PlanDocument(
        action=PLAYBOOK,
        title=f"Playbook “{title}”",
        risk=risk,
        target=run.database,
        parameters={"playbook": run.playbook, "database": run.database},
        observed={},
        steps=[PlannedStep(name=f"step_{number}", title=part.definition.title) for number, part in enumerate(parts, 1)],
        loss=_combine_losses(documents),
        downtime=_add_up([document.downtime for document in documents]),
        duration=_add_up([document.duration for document in documents]),
        way_back=" ".join(dict.fromkeys(document.way_back for document in documents)),
        confirm=run.database,
        back_to=next((document.back_to for document in documents if document.back_to), None),
        environment=documents[0].environment,
        playbook=run.id,
    )
    return _put_in(whole, parts, policy)


def _put_in(whole: PlanDocument, parts: list[Part], policy: Policy) -> PlanDocument:
    """The parts that the one approval covers, and a line about every part."""
    covered: Facts = {
        str(index): part.document.model_dump(mode="json")
        for index, part in enumerate(parts)
        if part.document and is_as_strict(rule_for(policy, whole), rule_for(policy, part.document))
    }
    notes = [_describe_part(index, part, str(index) in covered) for index, part in enumerate(parts)]
    return whole.model_copy(update={"observed": covered, "notes": notes})


def find_part(whole: PlanDocument, index: int) -> PlanDocument | None:
    """The plan of the step with this index that was approved with the whole; None where there was none."""
    document = whole.observed.get(str(index))
    return None if document is None else PlanDocument.model_validate(document)


def list_things(whole: PlanDocument, policy: Policy) -> frozenset[str]:
    """All that the actions touch which are approved with the whole."""
    parts = [find_part(whole, int(index)) for index in whole.observed]
    touched = [list_touched(policy, part.action, part.parameters) for part in parts if part]
    return frozenset[str]().union(*touched)


def adopt_own(planned: Facts, now: Facts, made: Iterable[str]) -> Facts:
    """What was observed for the plan, with the differences in it that earlier steps of the same playbook made.

    A backup that it took is the newest one now; that is not the world moving. `made`: what the proofs of those
    steps say was made. Everything else stays as it was approved.
    """
    own = set(made)
    return {
        name: now[name] if isinstance(now.get(name), str) and now[name] in own else value
        for name, value in planned.items()
    }


def describe_skipping(run: PlaybookRun, task: PlaybookTask) -> PlanDocument:
    """The plan to go on without a step. Raises `Refused` where the policy does not allow that."""
    definition, number = task.definition, task.index + 1
    if definition.skipping is None:
        raise Refused(
            f"Step {number} cannot be left out: what follows rests on it.", "Try it again, or stop the playbook."
        )
    why = f"It failed: {task.words}" if task.state == "failed" else f"A person was to do: {definition.manual}"
    return PlanDocument(
        action=PLAYBOOK,
        title=f"Leave out step {number} of playbook run {run.id}",
        risk=find_risk(definition),
        target=run.database,
        parameters={"playbook": run.playbook, "database": run.database, "step": number},
        observed={},
        steps=[],
        loss=Loss(seconds=0, rows=0, words="nothing by this"),
        downtime=Prediction(seconds=0, source="nothing is done"),
        duration=Prediction(seconds=0, source="nothing is done"),
        way_back="None: the playbook goes on with its next step.",
        confirm=run.database,
        notes=[f"Step: {definition.title}", why, f"Then missing: {definition.skipping}"],
        playbook=run.id,
    )


def find_risk(definition: PlaybookStep) -> Risk:
    """The risk of the step's action; of what a person does, high: nobody but they can see what it is."""
    action = all_actions().get(definition.action or "")
    return action.risk if action else "high"


def is_as_strict(rule: ApprovalRule, own: ApprovalRule) -> bool:
    """Whether whatever satisfies `rule` satisfies an action's `own` rule too."""
    if own.quorum == 0:
        return True
    return (
        rule.quorum >= own.quorum
        and set(rule.roles) <= set(own.roles)
        and set(rule.people) <= set(own.people)
        and set(rule.groups) <= set(own.groups)
        and (own.requester_may_approve or not rule.requester_may_approve)
        and (rule.typed_confirmation or not own.typed_confirmation)
    )


def _describe_part(index: int, part: Part, covered: bool) -> str:
    label = f"{index + 1}. {part.definition.title}"
    document = part.document
    if document is None:
        later = "" if part.definition.action is None else "; should it come to that, it needs its own approval"
        return f"{label}: {part.words}{later}."
    own = "" if covered else " The policy wants more for it than for this playbook: it needs its own approval."
    return f"{label}: {document.title}. {_describe_figures(document)}{own}"


def _describe_figures(document: PlanDocument) -> str:
    down = "No downtime" if document.downtime.seconds == 0 else f"Down: {_show(document.downtime)}"
    return f"Loses {document.loss.words}. {down}. Takes: {_show(document.duration)}."


def _show(prediction: Prediction) -> str:
    return prediction.source if prediction.seconds is None else show_duration(prediction.seconds)


def _combine_losses(documents: list[PlanDocument]) -> Loss:
    """Of several losses the longest, since losses of one database lie within one another; all are named."""
    losses = [document.loss for document in documents if document.loss.seconds != 0]
    if not losses:
        return Loss(seconds=0, rows=0, words="nothing")
    worst = max(losses, key=lambda loss: float("inf") if loss.seconds is None else loss.seconds)
    return worst.model_copy(update={"words": "; ".join(dict.fromkeys(one.words for one in losses))})


def _add_up(predictions: list[Prediction]) -> Prediction:
    known = [one.seconds for one in predictions if one.seconds is not None]
    missing = len(predictions) - len(known)
    if not known:
        return Prediction(seconds=None, source="; ".join(dict.fromkeys(one.source for one in predictions)))
    rest = f"; for {missing} more there is no figure" if missing else ""
    return Prediction(seconds=sum(known), source=f"{len(known)} of its actions together{rest}")
