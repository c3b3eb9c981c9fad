"""Makes a port of this machine's loopback reachable on the loopback of a network namespace, under the same number.

`python -m support.network.relay NAMESPACE PORT` says `ready` and ends when its stdin closes. A socket stays in the
namespace in which it was made, so one process can listen there and connect here.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import sys
from pathlib import Path

HOST = "127.0.0.1"


def listen_in(namespace: str, port: int) -> socket.socket:
    """Return a socket that listens on the loopback of a namespace; this process is where it was before."""
    with Path("/proc/self/ns/net").open() as here, Path("/run/netns", namespace).open() as there:
        enter(there.fileno())
        listener = socket.create_server((HOST, port))
        enter(here.fileno())
    return listener


def enter(namespace: int) -> None:
    """Move this thread to the namespace behind a file descriptor; `os.setns` came with Python 3.12."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, 0):
        raise OSError(ctypes.get_errno(), "setns")


async def relay(listener: socket.socket, port: int) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(HOST, port)
        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))

    await asyncio.start_server(serve, sock=listener)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


if __name__ == "__main__":
    asyncio.run(relay(listen_in(sys.argv[1], int(sys.argv[2])), int(sys.argv[2])))
    os._exit(0)
