"""Recovery: plan, approve, observe again, run, verify, prove."""
