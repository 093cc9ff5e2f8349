"""The socket between a controller and its consoles and commands.

Only this folder speaks the protocol. `protocol` has the messages, `client` is the consoles' end,
`client_calls` what may be asked by it,
`server` the controller's; `request_handler` carries a message out.

Open `protocol.py` first.
"""
