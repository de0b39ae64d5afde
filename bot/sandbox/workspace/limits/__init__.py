"""Block Kit's rules (docs.slack.dev, "Block Kit" reference): what Slack accepts, and how it says what it does not."""
