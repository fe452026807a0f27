"""Which operating system errors are our own trouble: they make a run VOID, never a failure of the target."""

from __future__ import annotations

import errno

from .failures import Code

_LOCAL = {
    errno.EMFILE: (Code.AGENT_DESCRIPTORS, "this process has no file descriptors left (raise its limit)"),
    errno.ENFILE: (Code.AGENT_DESCRIPTORS, "this system has no file descriptors left"),
    errno.ENOBUFS: (Code.AGENT_MEMORY, "the kernel has no buffer space"),
    errno.ENOMEM: (Code.AGENT_MEMORY, "out of memory"),
    errno.ENETUNREACH: (Code.AGENT_NO_ROUTE, "this region has no route to that network"),
    errno.ENETDOWN: (Code.AGENT_NO_ROUTE, "the network interface of this region is down"),
    errno.EADDRNOTAVAIL: (Code.AGENT_SOURCE_ADDRESS, "the source address or port is not available here"),
    errno.EAFNOSUPPORT: (Code.AGENT_NO_ROUTE, "this region does not have that address family"),
    errno.EACCES: (Code.AGENT_PERMISSION, "the system here does not permit that connection"),
    errno.EPERM: (
        Code.AGENT_PERMISSION,
        "the system here does not permit that connection (a local firewall?)",
    ),
}


def local_trouble(error: OSError) -> tuple[Code, str] | None:
    """Return code and words when the error is our own side's, else None."""
    return _LOCAL.get(error.errno or 0)
