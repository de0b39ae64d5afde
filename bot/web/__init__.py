"""What Holdfast serves over HTTP: health, alerts, incident pages, and Slack's requests without Socket Mode."""
