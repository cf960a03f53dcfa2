"""How a call of AsyncClient is awaited."""

from __future__ import annotations

from typing import Protocol, TypeVar
from collections.abc import Awaitable

T = TypeVar("T", covariant=True)


class Call(Protocol[T]):
    def start(self) -> Awaitable[T]: ...
    def abort(self) -> None: ...


async def run(call: Call[T]) -> T:
    try:
        return await call.start()
    except BaseException:
        call.abort()
        raise
