"""One check a file; copy a neighbour."""
