"""The full screens: each draws the newest state, and reads from the controller what is not in it.

They reach the app through `ports` only, and leave every act to the action runner.
Begin with `screen`, the base of all; `domain_list` is the first one shown.
"""
