"""A domain's record in its folder's custom attributes, and the lease on it.

Only this folder knows the attributes' form. `attributes` reads and writes a `domain_record`, made of
`record_values` under `attribute_names`; `phases` is the table of where an operation stands, `transitions`
has the change for each command, `lease` decides which controller may act.

Open `domain_record.py` first.
"""
