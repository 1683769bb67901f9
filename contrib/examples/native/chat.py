#!/usr/bin/env python3
"""Chat in a terminal with nothing but Python's standard library.

    python3 chat.py [CHANNEL]

Prints what everyone on the channel says, and sends lines of standard input.
A package such as `websockets` does the upper half of this file for you.
"""
import base64
import json
import os
import socket
import sys
import threading

HOST, PORT = "localhost", int(os.environ.get("NWS_PORT", 9009))
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10           # RFC 6455, 5.2


def connect(channel):
    """A WebSocket: a socket, after one question and answer of HTTP."""
    sock = socket.create_connection((HOST, PORT))
    key = base64.b64encode(os.urandom(16)).decode()
    sock.sendall((f"GET /{channel} HTTP/1.1\r\nHost: {HOST}:{PORT}\r\n"
                  "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                  "Sec-WebSocket-Version: 13\r\n"
                  f"Sec-WebSocket-Key: {key}\r\n\r\n").encode())
    stream = sock.makefile("rb")
    answer = stream.readline().decode()
    if " 101 " not in answer:
        sys.exit(f"nwsd refused: {answer.strip()}")
    while stream.readline() not in (b"\r\n", b""):
        pass
    return sock, stream


def send(sock, data, kind=TEXT):
    """One frame; what a client sends has to be masked (5.3)."""
    size, mask = len(data), os.urandom(4)
    length = (bytes([128 | size]) if size < 126 else
              bytes([128 | 126]) + size.to_bytes(2, "big") if size < 65536 else
              bytes([128 | 127]) + size.to_bytes(8, "big"))
    body = bytes(b ^ mask[i % 4] for i, b in enumerate(data))
    sock.sendall(bytes([128 | kind]) + length + mask + body)


def frames(stream):
    """What nwsd sends: never masked, never in fragments."""
    while head := stream.read(2):
        size = head[1]
        if size >= 126:
            size = int.from_bytes(stream.read(2 if size == 126 else 8), "big")
        yield head[0] & 15, stream.read(size)


def plain(text):
    """For a terminal, which the control characters of others must not reach."""
    return "".join(c if c.isprintable() else "\ufffd" for c in str(text))


def main():
    sock, stream = connect(sys.argv[1] if len(sys.argv) > 1 else "chat")

    def say_lines():
        for line in sys.stdin:
            send(sock, json.dumps({"action": "broadcast",
                                   "data": line.rstrip("\n")}).encode())
        send(sock, b"", CLOSE)

    threading.Thread(target=say_lines, daemon=True).start()
    for kind, data in frames(stream):
        if kind == PING:                        # who is silent is cut off
            send(sock, data, PONG)
        elif kind == CLOSE:
            break
        elif kind == TEXT:
            message = json.loads(data)
            if message["action"] in ("broadcast", "message"):
                text = message["data"]
                if isinstance(text, dict):      # a name, or a private text
                    text = text.get("text")
                if text is not None:
                    print(f"<{message['source']}> {plain(text)}",
                          flush=True)
            elif message["action"] in ("connect", "disconnect"):
                print(f"{message['target']}: {message['action']}",
                      file=sys.stderr)


try:
    main()
except OSError as error:
    sys.exit(f"no connection to nwsd at {HOST}:{PORT}: {error}")
except KeyboardInterrupt:
    pass
