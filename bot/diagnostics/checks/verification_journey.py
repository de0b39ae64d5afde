"""Does the application work as users know it? Login, figures, and a test bag made, found and taken away. (Step 6.)

On demand only, since it writes: whatever it makes it takes away again, also when a step in between fails.
"""

from __future__ import annotations

from bot.diagnostics.check import Check, Surroundings
from bot.store.documents import Finding
from bot.systems.user_journey import Stage, walk


class VerificationJourney(Check):
    name = "verification_journey"
    title = "As a user would"
    scope = "verification"
    on_demand = True
    timeout_s = 60.0

    def run(self, surroundings: Surroundings) -> Finding:
        application = surroundings.policy.applications[surroundings.settings.application]
        verification = application.verification
        if verification is None:
            return self.finding("unknown", "The policy does not say what a user does (`applications.*.verification`).")
        named = [name for name in (verification.user_env, verification.password_env) if name]
        missing = [name for name in named if not surroundings.environment.get(name)]
        if missing:
            return self.finding("unknown", f"{', '.join(missing)} is not set: there is no test user to log in with.")
        user, password = (
            surroundings.environment.get(name or "", "") for name in (verification.user_env, verification.password_env)
        )
        stages = list(walk(str(application.url), verification, user, password))
        bad = [one for one in stages if not one.good and not one.skipped]
        words = (
            f"{bad[0].title}: {bad[0].found}, expected {bad[0].expected}."
            if bad
            else f"All {len(stages)} steps are good."
        )
        return self.finding("critical" if bad else "ok", words, [_describe(one) for one in stages])


def _describe(one: Stage) -> str:
    sign = "good" if one.good else "not tried" if one.skipped else "NOT GOOD"
    return f"{sign}: {one.title}: {one.found}" + ("" if one.good or one.skipped else f" (expected {one.expected})")


CHECK = VerificationJourney()
