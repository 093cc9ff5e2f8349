"""Commands of a domain's whole life beside the failover itself: tests, commit, undo, release.

They only make requests and print answers; what may be asked for when is decided by the controller.
Begin with `way_back_commands`.
"""
