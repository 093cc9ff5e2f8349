"""Everything under the root folder, kept up to date by one long poll.

Begin with `inventory_watch`; `property_cache` applies vCenter's updates, `fact_parser` turns raw
properties into `inventory_facts`, which hold nothing of drdeck's.
"""
