"""`drdeck train appliance`: the vendor's published call, answered out of a training site.

Open `appliance_command.py` first; `appliance_answer.py` makes the answers, `appliance_server.py` gives them.
"""
