"""Print how many tests failed in the last run of pytest here."""

import json
from pathlib import Path

kept = Path(__file__).parents[1] / ".pytest_cache/v/cache/lastfailed"
print(len(json.loads(kept.read_text())) if kept.exists() else 0)
