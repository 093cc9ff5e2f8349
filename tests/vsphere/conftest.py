"""Examples of hypothesis may take as long as a busy machine needs."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("drdeck", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("drdeck")
