"""What the page asks of the workspace, under `/client/`."""
