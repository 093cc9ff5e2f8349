"""Passwords of the sites: asked for once, kept in memory, never written.

Only this folder holds one. `password_store` has the sources in their order;
`password_command` runs a command of the settings.

Open `password_store.py` first.
"""
