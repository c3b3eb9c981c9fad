"""MachineLock: whether another process on this machine does the same thing."""

from __future__ import annotations

import errno
import hashlib
import socket
import sys

from locust_cw_dist.live.platform import forks


class MachineLock:
    """A name that one process of a machine (of a network namespace) can have at a time.

    The name is that of a Unix socket in Linux's abstract namespace, where there are no files: the kernel frees it when
    its holder dies, however it dies. Nobody ever connects. On other systems every process gets the name.
    """

    def __init__(self, identity: bytes) -> None:
        """Stand for `identity`, any bytes; the name is made of their hash."""
        self._name = f"\0locust-cw-dist-{hashlib.sha256(identity).hexdigest()}"
        self._socket: socket.socket | None = None
        forks.watch(self)

    def claim(self) -> bool:
        """Take the name; return False if another holds it."""
        if sys.platform != "linux":
            return True
        holder = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            holder.bind(self._name)
        except OSError as e:
            holder.close()
            # A sandbox may forbid it: then nothing is known.
            return e.errno != errno.EADDRINUSE
        self._socket = holder
        return True

    def abandon(self) -> None:
        """Leave the name to the parent, in a forked process: it must be free when that ends."""
        if self._socket is not None:
            forks.sever(self._socket.fileno())

    def release(self) -> None:
        """Let another have it."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
