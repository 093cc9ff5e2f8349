"""The process that does the work, whether or not a console looks on.

Only it journals, decides what comes next, and calls a site. `controller` puts its parts together;
`asking` takes what people ask for; `operation_loop` goes over the operations, `reconcile` says what is
next for one, `executor` has the site do it, `site_watcher` sees the site.

Open `controller.py` first.
"""
