"""Signals that ask the run to end."""

from __future__ import annotations

import signal

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequest:
    """How often somebody asked. The second time means: at once."""

    def __init__(self) -> None:
        self.count = 0

    def __bool__(self) -> bool:
        return self.count > 0

    def ask(self) -> None:
        self.count += 1

    def listen(self) -> None:
        """Take the signals from now on; those that the warden held back arrive here. Main thread only."""
        for number in SIGNALS:
            # Ignored by whoever started us (nohup): then it stays so.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, lambda *_: self.ask())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
