"""How gunicorn serves: threads in one worker, or several workers when Redis shares the limits."""

import os

bind = f"127.0.0.1:{os.environ.get('PORT', '8000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
threads = int(os.environ.get("WEB_THREADS", "4"))
timeout = 30
graceful_timeout = 20
keepalive = 5
max_requests = 50_000  # a leak in any library stays small
max_requests_jitter = 5_000
accesslog = None  # the trail records every request
control_socket_disable = True  # managed by signals; several servers may share a home folder
limit_request_line = 4094


def on_starting(server):
    """Refuse several workers that could not share their rate limits."""
    if server.cfg.workers > 1 and not os.environ.get("REDIS_URL"):
        message = "Several workers need REDIS_URL, or each would count its own rate limits."
        raise SystemExit(message)
