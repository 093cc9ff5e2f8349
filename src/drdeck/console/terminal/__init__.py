"""The terminal beneath Textual: what is written to it, and what it can show.

`diff_writer` writes only what differs from what stands there; `size_guard` refuses what is too small.

Open `diff_writer.py` first.
"""
