"""What the journal proves: the audit trail, and what was done step by step."""
