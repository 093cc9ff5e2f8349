"""The wire to a vCenter: sessions, calls, certificates, and the words of its faults.

Only this folder sends a request. It knows nothing of domains. Begin with `connection`;
`vm_calls` has the calls that change a VM (power, snapshot, revert), `task_history` finds out
what became of one whose answer was lost, `stale_sessions` keeps late requests from landing.
"""
