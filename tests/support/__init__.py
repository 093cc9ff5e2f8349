"""What the tests lean on: a vCenter that misbehaves when told to, and counters."""
