"""A service that answers each request after 20 ms; prints its address, and ends when it is killed."""

from __future__ import annotations

import gevent
from gevent.server import StreamServer

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 17\r\nContent-Type: text/plain\r\n\r\nsilver and copper"


def serve(connection, _):
    reader = connection.makefile("rb")
    while reader.readline():
        while reader.readline() not in {b"\r\n", b""}:
            pass
        gevent.sleep(0.02)
        connection.sendall(ANSWER)


server = StreamServer(("127.0.0.1", 0), serve)
server.start()
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
