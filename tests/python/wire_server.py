"""A WebSocket server that is not ours: tells in JSON lines what it understands of what a camera sends, and keeps each byte.

    wire_server.py foreign|refusing|extended FOLDER

foreign knows no subprotocol; refusing refuses who offers one; extended takes lenscast.v1. FOLDER gets connection-1.bin,
connection-2.bin, ...: what came, as it came. It ends when its standard input does.
"""

import json
import os
import socket
import sys
import threading

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

MODE, FOLDER = sys.argv[1:]


TELLING = threading.Lock()


def tell(**what):
    # `print` writes the line and its end one after the other: those of two connections would mix.
    with TELLING:
        print(json.dumps(what), flush=True)


def answer(protocol, request, number):
    offered = request.headers.get_all("Sec-WebSocket-Protocol")
    tell(request=number, path=request.path, headers=list(request.headers.raw_items()))
    if MODE == "refusing" and offered:
        protocol.send_response(protocol.reject(400, "I do not know such things.\n"))
    else:
        protocol.send_response(protocol.accept(request))


def receive(connection):
    try:
        return connection.recv(65536)
    except ConnectionError:
        return b""


def serve(connection, number):
    protocol = ServerProtocol(subprotocols=["lenscast.v1"] if MODE == "extended" else None)
    with connection, open(os.path.join(FOLDER, f"connection-{number}.bin"), "wb", buffering=0) as kept:
        while received := receive(connection):
            kept.write(received)
            protocol.receive_data(received)
            for event in protocol.events_received():
                if isinstance(event, Request):
                    answer(protocol, event, number)
                elif isinstance(event, Frame):
                    text = event.data if event.opcode is Opcode.TEXT else b""
                    tell(
                        frame=number,
                        opcode=event.opcode.value,
                        whole=event.fin and not (event.rsv1 or event.rsv2 or event.rsv3),
                        bytes=len(event.data),
                        text=bytes(text).decode(),
                    )
            # An empty piece asks for the end of our direction.
            for piece in protocol.data_to_send():
                if piece:
                    connection.sendall(piece)
                else:
                    connection.shutdown(socket.SHUT_WR)
    code = protocol.close_rcvd.code if protocol.close_rcvd else None
    complaint = str(protocol.parser_exc) if protocol.parser_exc else None
    tell(end=number, code=code, complaint=complaint)


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    tell(port=listener.getsockname()[1])
    number = 0
    while True:
        connection, _ = listener.accept()
        number += 1
        threading.Thread(target=serve, args=(connection, number), daemon=True).start()


main()
