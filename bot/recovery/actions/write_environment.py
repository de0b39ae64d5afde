"""Write the application's environment file on its hosts, from Secrets Manager. (Document: secrets, Configuration.)

Nothing is restarted: what is written counts when the application starts next, and `restart_application` has a plan, a
pause and a proof of its own. So several secrets may change before users notice one restart.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from bot.outcome import Cancelled, Failed, Refused
from bot.policy import Policy
from bot.recovery.action import Action, Context, Evidence, Facts, History, Parameters, Step, World
from bot.recovery.environment_file import (
    MODE,
    PERMISSIONS,
    Held,
    Wanted,
    find_wanted,
    list_names,
    list_wrong,
    look_at_environment,
    put_back_environment,
    take_back_environment,
    write_environment,
)
from bot.recovery.on_hosts import open_application_hosts
from bot.recovery.side_plan import list_moved
from bot.recovery.touched import touch_application
from bot.store.documents import Loss, PlanDocument, Prediction, Suggestion, Verdict
from bot.systems.hosts.opening import OpenHost

GUESS_S = 10.0


class WriteEnvironment(Parameters):
    application: str = Field(title="Application", description="A key of the policy's applications.")
    kept: str | None = Field(
        default=None,
        title="Or put back what a run has kept",
        description="The mark of that run, as its file ends: `.env.before-MARK`.",
        pattern=r"^run[0-9]{1,12}-[0-9a-f]{1,12}$",
    )


class WriteTheEnvironment(Action[WriteEnvironment]):
    name = "write_environment"
    purpose = "Write the application's environment file on its hosts, from Secrets Manager"
    risk = "high"
    permissions = PERMISSIONS
    parameters = WriteEnvironment

    def target(self, parameters: WriteEnvironment) -> str:
        return parameters.application

    def touches(self, policy: Policy, parameters: WriteEnvironment) -> frozenset[str]:
        return touch_application(policy, parameters.application)

    def choices(self, world: World, name: str, given: Facts) -> list[tuple[str, str]] | None:
        """Applications that have such a file."""
        known = world.policy.applications.items()
        return [(key, one.title) for key, one in known if one.environment_file] if name == "application" else None

    def observe(self, world: World, parameters: WriteEnvironment) -> Facts:
        """The secrets at their present versions, and what the file on each host has of them."""
        wanted = find_wanted(world, parameters.application)
        hosts = open_application_hosts(world, parameters.application)
        found = {host.key: look_at_environment(host, wanted, parameters.kept or "look") for host in hosts}
        if parameters.kept:
            refuse_useless(wanted.path, parameters.kept, hosts, found)
        return {"path": wanted.path, "secrets": wanted.facts, "hosts": dict(found.items())}

    def plan(self, world: World, parameters: WriteEnvironment, observed: Facts, history: History) -> PlanDocument:
        wanted, hosts = read_wanted(world, parameters, observed), open_application_hosts(world, parameters.application)
        title = world.policy.applications[parameters.application].title
        what = f"Put back the environment file of {title}" if parameters.kept else f"Write the environment of {title}"
        return PlanDocument(
            action=self.name,
            title=what,
            risk=self.risk,
            target=self.target(parameters),
            parameters=parameters.model_dump(mode="json"),
            observed=observed,
            steps=[step.planned for step in self.steps()],
            loss=Loss(seconds=0, rows=0, words="no data"),
            downtime=Prediction(seconds=0, source="nothing is restarted"),
            duration=history.duration or Prediction(seconds=GUESS_S * len(hosts), source="a guess"),
            way_back=f"What is there is kept as {wanted.path}.before-…; `/dr undo` gives each host exactly that back.",
            confirm=parameters.application,
            notes=[*self._tell_contents(parameters, wanted), *tell_hosts(parameters, hosts, wanted, observed), NEXT],
        )

    def _tell_contents(self, parameters: WriteEnvironment, wanted: Wanted) -> list[str]:
        if parameters.kept:
            return [f"What is put back is what that run found, kept as {wanted.path}.before-{parameters.kept}."]
        said = [
            f"{variable} from {held.name}, version {held.version}, fingerprint {held.fingerprint}."
            for variable, held in wanted.secrets.items()
        ]
        fixed = ", ".join(wanted.fixed)
        return [*said, *([f"As the policy has them: {fixed}."] if fixed else [])]

    def moved(self, planned: Facts, now: Facts) -> list[str]:
        return list_moved(planned, now, ("path", "secrets"))

    def steps(self) -> list[Step[WriteEnvironment]]:
        return [Step("write", "Write the file on each host, and compare fingerprints", write, phase="restart")]

    def verify(self, context: Context[WriteEnvironment]) -> Evidence:
        return measure(context)

    def clean_up(self, context: Context[WriteEnvironment]) -> str:
        return tidy(context)

    def undo(self, parameters: WriteEnvironment, plan: PlanDocument, outputs: dict[str, Facts]) -> Suggestion | None:
        """Where it has changed anything on any host, be it that there was no file before."""
        mark = outputs["write"].get("mark")
        if not mark or not outputs["write"].get("kept"):
            return None
        return Suggestion(
            action=self.name, label="Put the old file back", parameters={**parameters.model_dump(), "kept": mark}
        )


NEXT = "It counts from the application's next start: `/dr plan restart_application`."


def read_wanted(world: World, parameters: WriteEnvironment, observed: Facts) -> Wanted:
    """What the plan was made for."""
    settings = world.policy.applications[parameters.application]
    secrets = observed["secrets"]
    assert isinstance(secrets, dict)
    held = {
        variable: Held(str(one["name"]), str(one["version"]), str(one["fingerprint"]))
        for variable, one in secrets.items()
        if isinstance(one, dict)
    }
    region = world.policy.infrastructure.regions.primary
    return Wanted(str(observed["path"]), region, held, dict(settings.environment_fixed))


def refuse_useless(path: str, kept: str, hosts: list[OpenHost], found: Mapping[str, Facts]) -> None:
    """Raises `Refused` where a run has kept nothing, or somebody has changed since what it wrote."""
    touched = [host.host.title for host in hosts if found[host.key]["touched"]]
    if touched:
        raise Refused(
            f"{path} on {', '.join(touched)} was changed by somebody else since that run wrote it; putting the old one "
            "back would undo that, too.",
            f"Look at the host. What the run found is in {path}.before-{kept}.",
        )
    if not any(found[host.key]["kept"] for host in hosts):
        raise Refused(
            f"{path}.before-{kept} is on none of {', '.join(host.host.title for host in hosts)}.",
            "Look at the host, or leave `kept` out.",
        )


def tell_hosts(parameters: WriteEnvironment, hosts: list[OpenHost], wanted: Wanted, observed: Facts) -> list[str]:
    """For each host what the file has now, by names, or what is given back to it."""
    found = observed["hosts"]
    assert isinstance(found, dict)
    if parameters.kept:
        return [f"{host.host.title}: {_tell_kept(wanted.path, found[host.key])}." for host in hosts]
    return [_tell_host(host, wanted, found[host.key]) for host in hosts]


def _tell_kept(path: str, found: object) -> str:
    kept = found["kept"] if isinstance(found, dict) else None
    if kept == "none":
        return f"there was no {path}, so it is removed, and kept"
    return "the old file comes back" if kept else "that run has left nothing there to be put back, so it stays as it is"


def _tell_host(host: OpenHost, wanted: Wanted, found: object) -> str:
    if not isinstance(found, dict) or not found["present"]:
        return f"{host.host.title}: there is no {wanted.path} yet."
    other = list_wrong(wanted, found)
    said = f"has other values of {', '.join(other)}" if other else "has these values already"
    mode = f"; its mode {found['mode']} becomes {MODE}" if found["mode"] != MODE else ""
    others = ", ".join(list_names(found["others"]))
    return f"{host.host.title}: {said}{mode}; {'stays as it is: ' + others if others else 'nothing else in it'}."


def write(context: Context[WriteEnvironment]) -> Facts:
    """On each host what was planned; one that has it already is not written to again."""
    wanted, done = read_wanted(context.world, context.parameters, context.plan.observed), list[OpenHost]()
    found = dict[str, Facts]()
    for host in open_application_hosts(context.world, context.parameters.application):
        if context.cancelled():
            names = ", ".join(one.host.title for one in done) or "none"
            raise Cancelled(f"Stopped before {host.host.title}. Written until then: {names}.")
        context.progress(f"writing {wanted.path} on {host.host.title}")
        kept = context.parameters.kept
        found[host.key] = (
            put_back_environment(context, host, wanted, kept) if kept else write_environment(context, host, wanted)
        )
        done.append(host)
    words = f"{wanted.path} is as planned on {', '.join(host.host.title for host in done)}"
    is_kept = any(one["kept"] for one in found.values())
    return {"hosts": {**found}, "mark": context.mark, "kept": is_kept, "words": words}


def measure(context: Context[WriteEnvironment]) -> Evidence:
    """What each host has in the file now, by fingerprint, and who may read it."""
    wanted = read_wanted(context.world, context.parameters, context.plan.observed)
    verdicts = list[Verdict]()
    for host in open_application_hosts(context.world, context.parameters.application):
        found = look_at_environment(host, wanted, context.parameters.kept or context.mark)
        judge = _judge_put_back if context.parameters.kept else _judge_written
        verdicts.append(judge(host.host.title, wanted, found))
    kept = f"What was there before is kept as {wanted.path}.before-{context.mark}. "
    return Evidence(verdicts, words=f"{kept if context.outputs['write'].get('kept') else ''}{NEXT}")


def _judge_written(title: str, wanted: Wanted, found: Facts) -> Verdict:
    wrong = list_wrong(wanted, found)
    said = f"others in {', '.join(wrong)}" if wrong else f"the same, mode {found['mode']}"
    good = not wrong and found["mode"] == MODE
    return Verdict(name=title, expected=f"fingerprints as planned, mode {MODE}", found=said, good=good)


def _judge_put_back(title: str, wanted: Wanted, found: Facts) -> Verdict:
    """By the host's own comparison with what it had kept."""
    expected = {"file": "the file of before", "none": f"no {wanted.path}"}.get(str(found["kept"]), "as it was")
    said = expected if found["given_back"] else "something else"
    return Verdict(name=title, expected=expected, found=said, good=bool(found["given_back"]))


def tidy(context: Context[WriteEnvironment]) -> str:
    """Where this run has put something in place of a file, that file comes back."""
    wanted = read_wanted(context.world, context.parameters, context.plan.observed)
    back, away = list[str](), list[str]()
    context.cancelled = lambda: False  # this has to be done all the same
    for host in open_application_hosts(context.world, context.parameters.application):
        try:
            if take_back_environment(context, host, wanted):
                back.append(host.host.title)
        except (Refused, Failed) as error:
            away.append(f"{host.host.title} ({error.reason})")
    words = [f"Not put back: {', '.join(away)}."] if away else []
    if back or not away:
        words.append(f"{wanted.path} is the old one again on {', '.join(back)}." if back else "No file was exchanged.")
    return " ".join(words)


ACTION = WriteTheEnvironment()
