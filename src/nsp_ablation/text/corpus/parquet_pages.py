"""How large the pages of a Parquet column are: a page is decompressed as a whole, and `pyarrow` does not tell its size.

Page headers are Thrift structs in the compact protocol (github.com/apache/parquet-format, `PageHeader`): field 2 is the
size in memory, field 3 the size on disk.
"""

from collections.abc import Iterator
from typing import BinaryIO

_HEADER_BYTES = 1 << 16  # statistics of a page are in its header; writers leave out long ones
_BOOLEANS, _BYTE, _INTEGERS, _DOUBLE, _BINARY, _LISTS, _STRUCT = (1, 2), 3, (4, 5, 6), 7, 8, (9, 10), 12


def page_sizes(file: BinaryIO, start: int, end: int) -> Iterator[int]:
    """Yield the size in memory of each page of a column's bytes `[start, end)` of a Parquet file.

    Ends early at a header that is none; reading the column then says what is wrong.
    """
    while start < end:
        file.seek(start)
        header = _Compact(file.read(_HEADER_BYTES))
        try:
            fields = header.struct()
        except (IndexError, ValueError):
            return
        num_bytes, num_bytes_on_disk = fields.get(2, 0), fields.get(3, -1)
        if num_bytes_on_disk < 0:
            return
        yield num_bytes
        start += header.position + num_bytes_on_disk


class _Compact:
    """A reader of Thrift's compact protocol."""

    def __init__(self, data: bytes) -> None:
        self._data, self.position = data, 0

    def struct(self) -> dict[int, int]:
        """Read a struct and return its whole numbers by field. Raises IndexError where the data ends, ValueError."""
        fields, number = dict[int, int](), 0
        while head := self._byte():
            kind, delta = head & 15, head >> 4
            number = number + delta if delta else self._integer()
            if kind in _INTEGERS:
                fields[number] = self._integer()
            elif kind not in _BOOLEANS:
                self._skip(kind)
        return fields

    def _skip(self, kind: int) -> None:
        if kind in (*_BOOLEANS, _BYTE):
            self.position += 1
        elif kind in _INTEGERS:
            self._integer()
        elif kind == _DOUBLE:
            self.position += 8
        elif kind == _BINARY:
            self.position += self._varint()
        elif kind in _LISTS:
            head = self._byte()
            for _ in range(self._varint() if head >> 4 == 15 else head >> 4):
                self._skip(head & 15)
        elif kind == _STRUCT:
            self.struct()
        else:
            raise ValueError(f"no kind of Thrift: {kind}")

    def _byte(self) -> int:
        self.position += 1
        return self._data[self.position - 1]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def _integer(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
