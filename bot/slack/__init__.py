"""What we say to Slack: client, text, blocks."""
