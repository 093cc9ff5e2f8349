"""Worlds in which a whole life of a domain is lived in no time."""
