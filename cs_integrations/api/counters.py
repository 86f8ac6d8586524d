"""Rate-limit counters on Redis that survive Redis.

django-ratelimit catches no client error, so an outage would turn every request into a 500.
Here an outage turns the shared counters into this process's own, for a moment at a time.
"""

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

RETRY_AFTER_S = 5.0  # so that a dead Redis costs one time-out every five seconds, not each request
_MAX_LOCAL_ENTRIES = 100_000

Result = TypeVar("Result")


class DegradingRedisCache(RedisCache):
    """Redis, or per-process memory while Redis does not answer."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        options = {"OPTIONS": {"MAX_ENTRIES": _MAX_LOCAL_ENTRIES}}
        self._local = LocMemCache("degraded-counters", options)
        self._retry_at = 0.0

    def add(self, *args: Any, **kwargs: Any) -> Any:
        return self._either(super().add, self._local.add, *args, **kwargs)

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return self._either(super().get, self._local.get, *args, **kwargs)

    def incr(self, *args: Any, **kwargs: Any) -> Any:
        return self._either(super().incr, self._local_incr, *args, **kwargs)

    def _local_incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        # Redis may fail between the add and the increment: the local counter is then new.
        self._local.add(key, 0, version=version)
        return int(self._local.incr(key, delta, version=version))

    def _either(
        self,
        shared: Callable[..., Result],
        local: Callable[..., Result],
        *args: Any,
        **kwargs: Any,
    ) -> Result:
        if time.monotonic() < self._retry_at:
            return local(*args, **kwargs)
        try:
            return shared(*args, **kwargs)
        except (RedisError, OSError) as error:
            self._retry_at = time.monotonic() + RETRY_AFTER_S
            reason = type(error).__name__  # its text may hold the address and password
            logger.error("ALARM rate limits degraded to per-process counters: %s", reason)  # noqa: TRY400
            return local(*args, **kwargs)
