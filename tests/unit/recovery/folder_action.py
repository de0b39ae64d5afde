"""A recovery action whose world is a folder: what it did is there to be seen, and what breaks it can be put there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from sqlalchemy.orm import Session

from bot.comms.notices import Notices
from bot.engine import Engine
from bot.outcome import Failed
from bot.policy import Policy, load_policy
from bot.recovery.action import Action, Context, Evidence, Facts, History, Parameters, Step, World
from bot.recovery.execution import Execution
from bot.recovery.plans import Plans, start_run
from bot.recovery.runs import Runs
from bot.store.database import Database
from bot.store.documents import Loss, PlanDocument, Prediction, Suggestion, Verdict
from bot.store.tables import Plan, Run
from tests.unit.incidents.conftest import HandClock

SECRET = "hunter2-hunter2"


class Folder(Parameters):
    path: str


class ChangeFolder(Action[Folder]):
    """Gathers (harmless to repeat), makes a file `done` (seen afterwards), polishes (may be left out), checks."""

    name = "change_folder"
    purpose = "Change a folder"
    risk = "high"
    permissions = ()
    parameters = Folder

    def target(self, parameters: Folder) -> str:
        return parameters.path

    def observe(self, world: World, parameters: Folder) -> Facts:
        return {"owner": (Path(parameters.path) / "owner").read_text()}

    def plan(self, world: World, parameters: Folder, observed: Facts, history: History) -> PlanDocument:
        return PlanDocument(
            action=self.name, title="Change a folder", risk=self.risk, target=parameters.path,
            parameters=parameters.model_dump(mode="json"), observed=observed,
            steps=[step.planned for step in self.steps()], loss=Loss(seconds=0, rows=0, words="nothing"),
            downtime=Prediction(seconds=0, source="none"),
            duration=history.duration or Prediction(seconds=None, source="never done"), way_back="delete the file",
        )  # fmt: skip

    def steps(self) -> list[Step[Folder]]:
        return [
            Step("gather", "Gather", _act("gather")),
            Step("change", "Change", _act("change", makes="done"), _is_done),
            Step("polish", "Polish", _act("polish"), skipping="the shine"),
            Step("check", "Check", _act("check")),
        ]

    def verify(self, context: Context[Folder]) -> Evidence:
        there = (Path(context.parameters.path) / "done").exists()
        return Evidence([Verdict(name="File", expected="there", found=str(there), good=there)], {"downtime_s": 1})

    def clean_up(self, context: Context[Folder]) -> str:
        if (Path(context.parameters.path) / "cleans").exists():
            (Path(context.parameters.path) / "done").unlink(missing_ok=True)
        return "The folder is as it is."

    def undo(self, parameters: Folder, plan: PlanDocument, outputs: dict[str, Facts]) -> Suggestion | None:
        return Suggestion(action=self.name, label="Change it back", parameters=parameters.model_dump(mode="json"))


def _act(name: str, makes: str | None = None) -> Callable[[Context[Folder]], Facts]:
    def act(context: Context[Folder]) -> Facts:
        folder = Path(context.parameters.path)
        with (folder / "log").open("a") as log:
            log.write(f"{name}\n")
        context.write(f"{name}: logged in with password={SECRET}")
        if makes:
            (folder / makes).touch()
        if (folder / f"breaks-{name}").exists():
            raise Failed(f"{name} is broken at postgresql://me:{SECRET}@host/db.", "", "Mend it.")
        return {"words": f"{name} went well"}

    return act


def _is_done(context: Context[Folder]) -> Facts | None:
    return {"words": "seen"} if (Path(context.parameters.path) / "done").exists() else None


@dataclass
class HandEngine:
    """Keeps what was enqueued, for a test to carry out."""

    keys: list[str] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)

    def enqueue(self, _session: Session, name: str, *arguments: int, key: str, **_options: Any) -> None:
        if key in self.keys:
            return
        self.keys.append(key)
        if name == "run":
            self.runs.append(arguments[0])


class Desk:
    """Plans, runs and their execution over one folder."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.folder, self.clock, self.engine = folder, HandClock(), HandEngine()
        self.policy: Policy = load_policy(None)
        world = World(self.policy, {"SOME_TOKEN": SECRET}, self.clock)
        notices = Notices(cast(Engine, self.engine), self.clock)
        self.plans = Plans(database, cast(Engine, self.engine), self.policy, notices, world)
        self.runs = Runs(self.plans)
        self.execution = Execution(self.runs)
        self.database = database
        (folder / "owner").write_text("amara")

    def person(self, key: str) -> Any:
        return self.policy.person(key)

    def plan(self, **options: Any) -> Plan:
        """Ask for the action and have the plan made."""
        given: Facts = {"path": str(self.folder)}
        asked = self.plans.request(
            person=self.person("diego"), action="change_folder", parameters=given, place="channel:here", **options
        )
        self.plans.make(asked.id)
        return self.plans.find(asked.id)

    def start(self, plan: Plan) -> Run:
        """As the last approval does."""
        with self.database.write() as session:
            row = session.get_one(Plan, plan.id)
            run = start_run(session, row, cast(Engine, self.engine), self.plans.notices)
        assert run is not None
        return run

    def work(self) -> None:
        """Carry out the runs that are queued."""
        while self.engine.runs:
            self.execution.execute(self.engine.runs.pop(0))

    def run(self) -> Run:
        """A whole run; what is in the folder may break it."""
        run = self.start(self.plan())
        self.work()
        return self.runs.find(run.id)

    def log(self) -> list[str]:
        return (self.folder / "log").read_text().split()
