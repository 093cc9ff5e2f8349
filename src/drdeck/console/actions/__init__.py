"""From a key or a menu item to a request: dialogs one after another.

Begin with `action_runner`; `flows` has the sequences, `dialog_queue` lets one show at
a time, `notifications` has the dialogs that come up by themselves.
"""
