"""What is wrong with an expression, and with a row that no feature can be made of."""

from __future__ import annotations

from fusionguard.errors import DataError, UsageError


class ExpressionError(UsageError):
    """A text that is no expression of ours; ``position`` counts characters from 0, ``line`` and ``column`` from 1."""

    def __init__(self, text: str, position: int, wrong: str, right: str = "") -> None:
        self.text, self.position, self.wrong, self.right = text, position, wrong, right
        before = text[:position]
        self.line, self.column = before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1
        where = f"At line {self.line}, character {self.column}" if "\n" in text else f"In '{text}', at character {self.column}"
        super().__init__(f"{where}: {wrong}.", right)

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.text, self.position, self.wrong, self.right))


class RowError(DataError):
    """A row that a feature cannot be made of, such as one whose amount in cents is no BIGINT any more."""
