"""Commands of a domain's whole life beside the failover itself. Begin with way_back_commands.py."""
