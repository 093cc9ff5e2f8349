"""Plans of a domain's return to the other side. Begin with release.py."""
