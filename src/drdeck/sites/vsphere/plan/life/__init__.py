"""Plans of a domain's return to the other side.

Pure, as all plans. They follow a session that is over, and end with the record of an imported domain.
Begin with `release`.
"""
