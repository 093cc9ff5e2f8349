"""Settings: what can be set, and how a settings file is found, read and refused.

Only this folder knows TOML's places and keys; scenarios and lessons use its readers too.
Begin with `settings`, the tables; `settings_file` reads them.
"""
