"""Commands that act: they ask the controller for something, with consent where that is needed.

`submitting` explains, asks and submits; `request_options` has the options that they share; the commands
are in files by their groups.

Open `submitting.py` first.
"""
