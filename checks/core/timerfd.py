"""A timer descriptor on the monotonic clock (Linux). Python has os.timerfd_create from 3.13 on; ctypes before."""

from __future__ import annotations

import ctypes
import os

_CLOCK_MONOTONIC = 1
_NONBLOCK_CLOEXEC = os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0)
_ABSOLUTE = 1


class _Timespec(ctypes.Structure):
    _fields_ = (("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("it_interval", _Timespec), ("it_value", _Timespec))


class TimerFd:
    """One shot timer that makes its descriptor readable at an absolute monotonic instant."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.fd: int = self._libc.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCK_CLOEXEC)
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), "cannot create a timer descriptor")
        self._spec = _Itimerspec()
        self._reference = ctypes.byref(self._spec)

    def arm(self, due_ns: int) -> None:
        """Set the instant (monotonic nanoseconds); one in the past fires at once."""
        value = self._spec.it_value
        value.tv_sec, value.tv_nsec = divmod(max(due_ns, 1), 1_000_000_000)
        self._libc.timerfd_settime(self.fd, _ABSOLUTE, self._reference, None)

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self.fd)
