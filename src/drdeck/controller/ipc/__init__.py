"""The socket between a controller and its consoles and commands.

Only this folder speaks the protocol. `protocol` has the messages, `client` is the consoles' end, with
what may be asked in `client_calls`; `server` is the controller's end, and `request_handler` carries a
message out.

Open `protocol.py` first.
"""
