"""Events: what happens in channels that concerns us; one kind a file, with `EVENTS`."""
