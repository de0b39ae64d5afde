"""Post-mortems: the draft that the ledger writes."""
