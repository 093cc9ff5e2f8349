"""What a key or a menu item leads to: dialogs one after another, then a request.

Begin with `action_runner`; `flows` has the sequences, `dialog_queue` whose turn it is,
`notifications` the dialogs that come up by themselves.
"""
