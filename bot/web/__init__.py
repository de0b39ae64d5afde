"""What Holdfast serves over HTTP: health, and Slack's requests where Socket Mode is not used."""
