"""The figures of a light hand on vCenter and of a quick start, measured; begin with `__main__.py`."""
