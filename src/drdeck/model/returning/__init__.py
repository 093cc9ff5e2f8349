"""The way back of a domain as a checklist."""
