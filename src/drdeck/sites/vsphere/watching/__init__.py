"""The watching of a site: its connection, and view after view out of what comes in.

Only this room decides when a view is due. `site_link` connects and reconnects, `view_demand` says who
wants a view now, `readiness_probes` asks started VMs. Begin with `view_loop`.
"""
