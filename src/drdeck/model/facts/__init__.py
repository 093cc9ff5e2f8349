"""Facts that a domain is made of, of which the rules are elsewhere.

Plain values as they travel from a site to consoles. They know nothing of the domain they are in, so
that `model.domains` may be made of them. Begin with `life_facts`.
"""
