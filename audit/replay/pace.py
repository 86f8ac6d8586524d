"""How fast a replay may go, over all its threads."""

import threading
import time


class Pace:
    """Lets at most ``rate`` requests a second begin, evenly spread; ``None`` is no bound."""

    def __init__(self, rate: float | None) -> None:
        self._interval_s = 1 / rate if rate else 0.0
        self._next_start = 0.0  # on the monotonic clock
        self._lock = threading.Lock()

    def wait(self, stopped: threading.Event) -> bool:
        """Wait for this request's turn; say whether it may begin, False once ``stopped``."""
        with self._lock:
            now = time.monotonic()
            start = max(now, self._next_start)
            self._next_start = start + self._interval_s
        return not stopped.wait(max(0.0, start - now))
