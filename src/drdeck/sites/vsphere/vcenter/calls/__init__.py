"""Calls that change a VM, as steps, and what becomes of their tasks.

Only here are tasks of vCenter begun. A call is a generator (vm_tasks.CallSteps): each request blocks in a
thread, and between two no thread waits. Open first: vm_calls.py, then call_runner.py.
"""
