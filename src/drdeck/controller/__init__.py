"""The process that does the work, whether or not a console looks on.

Only it journals, decides what comes next, and calls a site. `controller` puts its parts together;
`asking` takes what people ask for; `reconcile` says what is next for an
operation, `executor` does it, `site_watcher` sees the site.

Open `controller.py` first.
"""
