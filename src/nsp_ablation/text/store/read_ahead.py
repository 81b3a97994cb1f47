"""Run a stage of a pipeline in a thread of its own."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def read_ahead(items: Iterator[T]) -> Iterator[T]:
    """Give the same items in the same order, the next one being made in another thread meanwhile.

    At most one item waits, so memory stays bounded. What making an item raises is raised here, in its place.
    """
    end = object()
    with ThreadPoolExecutor(max_workers=1) as executor:
        coming = executor.submit(next, items, end)
        while (item := coming.result()) is not end:
            coming = executor.submit(next, items, end)
            yield item  # type: ignore[misc]
