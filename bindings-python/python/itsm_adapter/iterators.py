"""Walks over what an operation gives page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Protocol, TypeVar

T = TypeVar("T", covariant=True)


class Page(Protocol[T]):
    @property
    def items(self) -> Sequence[T]: ...
    @property
    def next(self) -> str | None: ...


def items(fetch: Callable[..., Page[T]], arguments: dict[str, object]) -> Iterator[T]:
    page = fetch(**arguments)
    yield from page.items
    while page.next is not None:
        page = fetch(**arguments, after=page.next)
        yield from page.items


async def async_items(fetch: Callable[..., Awaitable[Page[T]]], arguments: dict[str, object]) -> AsyncIterator[T]:
    page = await fetch(**arguments)
    for item in page.items:
        yield item
    while page.next is not None:
        page = await fetch(**arguments, after=page.next)
        for item in page.items:
            yield item
