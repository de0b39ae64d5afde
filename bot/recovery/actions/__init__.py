"""One recovery action a file; copy a neighbour."""
