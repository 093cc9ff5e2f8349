"""A settings file and a scenario in which every table stands, and the settings of one vSphere site."""

from __future__ import annotations

from pathlib import Path

from drdeck.config.settings import VSphereSettings
from drdeck.config.settings_file import parse

WHOLE_SETTINGS = """\
default_site = "dr-west"
read_only = false
[console]
theme = "dark"
ascii = "auto"
mouse = false
[sites.dr-west]
kind = "vsphere"
url = "https://vcsa.dr.example:443/sdk"
username = "drdeck@vsphere.local"
password_command = ["pass", "show", "vcsa-dr"]
ca_file = "/etc/ssl/dr.pem"
root = "/DC0/vm/drdeck"
parallel = 8
[sites.dr-west.protected]
url = "https://vcsa.prod.example/sdk"
username = "drdeck@vsphere.local"
root = "/DC0/vm/prod"
[sites.dr-west.domains.erp-prod]
pitr = { enabled = true, window = "3d", interval = "15m" }
ready = "tools"
ready_timeout = "10m"
prune_also = ["HBR *"]
[[sites.dr-west.domains.erp-prod.runbook]]
group = "database"
vms = ["erp-db*"]
delay_after = "30s"
[sites.lab]
kind = "training"
scenario = "ransomware"
speed = 60
[sites.msa]
kind = "jetstream"
url = "https://msa.dr.example"
vcenter = "dr-west"
domains = ["e052a641-7018-408e-aebd-8122a3db1f5f"]
[sites.dr-west.places]
power_on = 20
revert = 16
[sites.dr-west.plans.whole-site]
title = "The whole site"
type = "force"
run_pitr = true
waves = [{ name = "first", domains = ["ad-*"], gate = "confirm" }, { name = "rest", domains = ["*-prod"] }]
others = "last"
domains_at_once = 8
patience = "5m"
on_failure = "go_on"
[sites.lab.plans.two]
waves = [{ name = "first", domains = ["erp"] }]
"""


WHOLE_SCENARIO = """\
name = "night"
title = "A night"
start = "2026-01-16T22:00:00Z"
link_bytes_per_s = 125_000_000
seed = 7
[[domains]]
name = "erp"
pitr = { enabled = true, window = "3d", interval = "1m" }
state = "imported"
protected_site = "reachable"
[[domains.vms]]
name = "db1"
disk_bytes = 107_374_182_400
write_bytes_per_s = 2_000_000
boot = "40s"
network = "VM_3510"
[[domains.vms]]
name = "app1"
disk_bytes = 10_000_000_000
[[domains.incidents]]
at = "2026-01-16T22:42:00Z"
vms = ["db1"]
write_factor = 30
breaks_health = true
[[domains.runbook]]
group = "database"
vms = ["db*"]
delay_after = "30s"
[[faults]]
kind = "object_store_lost"
from = "2026-01-16T22:50:00Z"
to = "2026-01-16T22:55:00Z"
domain = "erp"
vms = []
times = 1
"""


VSPHERE_SITE = """
[sites.dr]
kind = "vsphere"
url = "https://vcsa/sdk"
username = "u"
root = "/DC0/vm/drdeck"
"""


def site_settings(text: str) -> VSphereSettings:
    """The site "dr" of a whole settings file. Raises SettingsError."""
    site = parse(text, Path("settings.toml")).site("dr")
    assert isinstance(site, VSphereSettings)
    return site
