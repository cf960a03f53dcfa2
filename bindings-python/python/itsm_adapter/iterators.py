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


P = TypeVar("P", bound=Page[object])


def pages(fetch: Callable[..., P], arguments: dict[str, object]) -> Iterator[P]:
    page = fetch(**arguments)
    while page.next is not None:
        yield page
        page = fetch(**arguments, after=page.next)
    if page.items:
        yield page


def items(fetch: Callable[..., Page[T]], arguments: dict[str, object]) -> Iterator[T]:
    for page in pages(fetch, arguments):
        yield from page.items


async def async_pages(fetch: Callable[..., Awaitable[P]], arguments: dict[str, object]) -> AsyncIterator[P]:
    page = await fetch(**arguments)
    while page.next is not None:
        yield page
        page = await fetch(**arguments, after=page.next)
    if page.items:
        yield page


async def async_items(fetch: Callable[..., Awaitable[Page[T]]], arguments: dict[str, object]) -> AsyncIterator[T]:
    async for page in async_pages(fetch, arguments):
        for item in page.items:
            yield item
