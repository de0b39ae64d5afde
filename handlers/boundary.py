"""The one error boundary of the Slack surface: every outcome becomes words, the unknown a reference number."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable

from bot.outcome import Failed, Refused
from bot.slack.client import SlackRefusal, SlackUnavailable
from bot.slack.text import literal
from handlers.request import Reply

log = logging.getLogger(__name__)


def guard(handle: Callable[[], Reply]) -> Reply:
    """Run a handler and answer in any case."""
    try:
        return handle()
    except Refused as refusal:
        return refusal_reply(refusal)
    except Failed as failure:
        return Reply(f":x: {literal(failure.reason)}\n{literal(failure.true_now)} {failure.next_step}".strip())
    except (SlackRefusal, SlackUnavailable) as error:
        return Reply(f":x: {literal(str(error))}\nNothing else was changed. Try again in a moment.")
    except Exception as error:  # whatever it was, the person must not be left without an answer
        reference = uuid.uuid4().hex[:8]
        log.exception("a handler failed, reference %s", reference)
        return Reply(
            f":x: That did not work ({type(error).__name__}). Reference `{reference}` finds it in the bot's log."
        )


def refusal_reply(refusal: Refused) -> Reply:
    """The reason, and the next step below it; next steps are our own words and may hold commands in backticks."""
    return Reply(f":no_entry_sign: {literal(refusal.reason)}\n{refusal.next_step}".strip())
