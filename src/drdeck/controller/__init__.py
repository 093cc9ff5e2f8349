"""The process that does the work, whether or not a console looks on.

Only it journals, decides what comes next, and calls a site. `controller` is the face of it;
`reconcile` says what is next for an operation, `executor` does it, `site_watcher` sees the site,
`requests` accepts or refuses what people ask for.
"""
