"""The groups of the terminal: the same services as Slack's surfaces, under the same policy."""
