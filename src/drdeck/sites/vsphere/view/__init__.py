"""The state of the site at an instant, and the view that consoles show of it.

`site_state` has the facts, each domain's state and the site's clock; `site_views` builds domains out of
them. Nothing here asks a vCenter. Begin with `site_state`.
"""
