"""The vocabulary of disaster recovery as drdeck speaks it: immutable, typed, no I/O."""
