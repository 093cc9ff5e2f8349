"""The journal, and all that is projected from it.

Only this folder reads or writes journal.db. `event_store` holds the chained events; `projection`
makes `operations` of them; `recorder` writes; `audit` reads for people.

Open `operations.py` first.
"""
