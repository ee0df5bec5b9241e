"""Sends a message, waits for an answer, and prints it: D-Bus from Python.

    python dbus_echo.py CONTACT TEXT
"""
import sys

from jeepney import DBusAddress, MatchRule, message_bus, new_method_call
from jeepney.io.blocking import open_dbus_connection

NAME = "org.msgd.Msgd1"
contact, text = sys.argv[1:]

with open_dbus_connection(bus="SESSION") as bus:

    def call(interface, method, signature, *args):
        root = DBusAddress("/org/msgd/Msgd1", NAME, f"{NAME}.{interface}")
        reply = bus.send_and_get_reply(
            new_method_call(root, method, signature, args), timeout=10
        )
        if "error_name" in {field.name for field in reply.header.fields}:
            raise SystemExit(reply.body[0])
        return reply.body

    # Ask for the signal first: an answer that is quick is then not missed.
    rule = MatchRule(
        type="signal", interface=f"{NAME}.Events", member="MessageReceived"
    )
    with bus.filter(rule) as signals:
        bus.send_and_get_reply(message_bus.AddMatch(rule))
        path, known = call("Contacts", "GetContact", "sa{sv}", contact, {})
        message, _ = call("Messages", "SendMessage", "ssa{sv}", contact, text, {})
        print("sent", message, flush=True)
        while True:
            # Signals carry ids, never texts: those are asked for.
            seq, message, conversation, _ = bus.recv_until_filtered(signals).body
            if conversation == known["conversation"][1]:
                _, fields, *_ = call("Messages", "GetMessage", "sa{sv}", message, {})
                print("received", fields["text"][1])
                break
