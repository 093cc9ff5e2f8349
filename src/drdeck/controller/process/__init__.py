"""The controller as a process of its own: found, started, logged, set aside.

Begin with `serve`; `launch` finds a running one or starts it, `paths` says where its files are.
"""
