"""How gunicorn serves: threads in one worker, or several workers when Redis shares the limits."""

from pathlib import Path
from typing import Any

from environs import Env

env = Env()
env.read_env(Path(__file__).resolve().parent / ".env", recurse=False)

MAX_BODY_BYTES = 256 * 1024  # as in the settings, which are too much to load here

bind = f"127.0.0.1:{env.int('PORT', default=8000)}"
worker_class = "gthread"
workers = env.int("WEB_CONCURRENCY", default=1)
threads = env.int("WEB_THREADS", default=4)
timeout = 30
graceful_timeout = 20
keepalive = 5
max_requests = 50_000  # a leak in any library stays small
max_requests_jitter = 5_000
accesslog = None  # the trail records every request
loglevel = "error"  # its warnings quote the malformed requests that it refuses
control_socket_disable = True  # managed by signals; several servers may share a home folder
limit_request_line = 4094


def on_starting(server: Any) -> None:
    """Refuse several workers that could not share their rate limits."""
    if server.cfg.workers > 1 and not env.str("REDIS_URL", default=""):
        message = "Several workers need REDIS_URL, or each would count its own rate limits."
        raise SystemExit(message)


def pre_request(_worker: Any, request: Any) -> None:
    """Say that the connection ends where a body is too large for gunicorn to read it away.

    It would close such a connection without a word, and lose the caller's next request.
    """
    length = dict(request.headers).get("CONTENT-LENGTH", "0")
    if length.isdigit() and int(length) > MAX_BODY_BYTES:
        request.force_close()
