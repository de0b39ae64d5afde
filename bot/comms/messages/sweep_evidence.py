"""All that a finding of a diagnosis rests on, whole, as a file."""

from __future__ import annotations

from collections.abc import Iterator

from bot.comms.messages.subject import File, Message, Subject
from bot.slack.text import literal
from bot.store.documents import Finding
from bot.store.tables import Notice, Sweep

KIND = "sweep_evidence"


def compose(notice: Notice, subject: Subject) -> Message:
    key = str(notice.data.get("finding") or "")
    with subject.database.read() as session:
        sweep = session.get_one(Sweep, notice.subject_id)
    findings = [one for one in sweep.findings if key in ("", one.key)]
    text = "\n\n".join("\n".join(_tell(one)) for one in findings)
    what = findings[0].title if key and findings else "all findings"
    name = f"diagnosis-{sweep.id}-{findings[0].check if key and findings else 'all'}.txt"
    return Message(
        f"Evidence of diagnosis {sweep.id}: {literal(what)}.", file=File(name, f"Diagnosis {sweep.id}: {what}", text)
    )


def _tell(finding: Finding) -> Iterator[str]:
    about = f" ({finding.subject})" if finding.subject else ""
    yield f"{finding.state.upper()}: {finding.title}{about}, took {finding.took_s:.1f} s"
    yield f"Seen: {finding.summary}"
    if finding.normal:
        yield f"Normal: {finding.normal}"
    yield from (f"  {line}" for line in finding.evidence)
