"""Facts that a domain is made of, of which the rules are elsewhere. They know nothing of the domain."""
