"""Fixtures that several folders share."""

from tests.unplugged import trust_the_power

pytest_plugins = ["tests.stage_fixtures", "tests.archiving_stage", "tests.aws_calls"]

trust_the_power()
