"""Requests of people about one domain, until it is refused or journaled.

Only this folder accepts a request or an answer. `request_desk` is its face and looks at the site where that
is needed; `requests` has the checks, pure; `protected_evidence` says what speaks against a Force, and
`network_choice` which recovery network takes the place of which.

Open `request_desk.py` first.
"""
