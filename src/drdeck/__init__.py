"""drdeck: a terminal console for VMware continuous failover and point-in-time recovery.

`console` and `cli` are its two faces; they speak to a `controller` process by a socket, and only that
one opens a site (`sites`). `model` has what all of them talk about. Begin with docs/architecture.md.
"""

__version__ = "0.1.0"
