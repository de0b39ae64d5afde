"""What is measured at each turn: one kind of system a file."""
