"""Sends a message, waits for an answer, and prints it: gRPC from Python.

    python grpc_echo.py CONTACT TEXT
"""
import os
import sys

import grpc
from msgd.v1 import event_pb2, event_pb2_grpc, message_pb2, message_pb2_grpc

contact, text = sys.argv[1:]
runtime = os.environ["XDG_RUNTIME_DIR"]
socket = os.environ.get("MSGD_SOCKET", f"{runtime}/msgd/default/msgd.sock")

# A socket's path is no host name, so name one; the socket itself checks who calls.
with grpc.insecure_channel(
    f"unix:{socket}", options=[("grpc.default_authority", "localhost")]
) as channel:
    messages = message_pb2_grpc.MessageServiceStub(channel)
    events = event_pb2_grpc.EventServiceStub(channel)

    # Returned means: on disk, and tried until it is delivered, cancelled or 30 days old.
    sent = messages.SendMessage(
        message_pb2.SendMessageRequest(to=contact, text=text), timeout=10
    ).message
    print("sent", sent.id, flush=True)

    # Everything since that message was queued, then what happens: no event is missed.
    stream = events.Subscribe(
        event_pb2.SubscribeRequest(
            since_time_ms=sent.stored_at_ms,
            types=[event_pb2.EVENT_TYPE_MESSAGE],
            follow=True,
        )
    )
    for item in stream:
        received = item.event.message_received
        if received.conversation == sent.conversation:
            answer = messages.GetMessage(
                message_pb2.GetMessageRequest(message=received.message), timeout=10
            ).message
            print("received", answer.text)
            break
    stream.cancel()
