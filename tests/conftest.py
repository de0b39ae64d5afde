"""Fixtures that several folders share."""

pytest_plugins = ["tests.stage_fixtures", "tests.archiving_stage", "tests.aws_calls"]
