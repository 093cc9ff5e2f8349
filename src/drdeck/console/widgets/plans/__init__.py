"""Lines of Failover Plans: the look before, a run and its domains, one instant for many sessions."""
