"""The cache holds nothing that anybody would miss, so its absence is logged and never an error for a person."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


def _or(absent: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Gives what an empty cache would give while the server does not answer."""

    def wear(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def tolerant(self: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                return method(self, *args, **kwargs)
            except (RedisError, OSError) as error:
                logger.warning("The cache does not answer (%s); going on without it.", error)
                return absent(*args, **kwargs)

        return tolerant

    return wear


class ForgivingCache(RedisCache):
    """Redis while it answers, an empty cache while it does not."""

    add = _or(lambda *_args, **_kwargs: True)(RedisCache.add)
    get = _or(lambda _key, default=None, **_kwargs: default)(RedisCache.get)
    set = _or(lambda *_args, **_kwargs: None)(RedisCache.set)
    touch = _or(lambda *_args, **_kwargs: False)(RedisCache.touch)
    delete = _or(lambda *_args, **_kwargs: False)(RedisCache.delete)
    get_many = _or(lambda *_args, **_kwargs: {})(RedisCache.get_many)
    set_many = _or(lambda data, **_kwargs: list(data))(RedisCache.set_many)
    delete_many = _or(lambda *_args, **_kwargs: None)(RedisCache.delete_many)
    has_key = _or(lambda *_args, **_kwargs: False)(RedisCache.has_key)
    incr = _or(lambda _key, delta=1, **_kwargs: delta)(RedisCache.incr)
    clear = _or(lambda *_args, **_kwargs: None)(RedisCache.clear)
