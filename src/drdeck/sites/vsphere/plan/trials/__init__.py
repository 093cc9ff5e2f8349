"""Test Failover of a vSphere domain: plan, names, and what is shown of it. Begin with trial_plan.py."""
