"""A declaration together with what was derived from the rows that a model learns from: what a bundle holds of its data set."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fusionguard.datasets.cells import Spelling
from fusionguard.datasets.declaration import Declaration
from fusionguard.datasets.declared_values import Scalar
from fusionguard.datasets.own_sql import own_features
from fusionguard.datasets.prepared_names import CLOCK
from fusionguard.datasets.upgrade import upgraded
from fusionguard.errors import DataError

FORMAT = 1
"""Raised when what is derived is written in another way."""

ResolvedType = Literal["float", "integer", "text", "boolean", "timestamp"]


class _Resolved(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ResolvedColumn(_Resolved):
    """What a column is like."""

    type: ResolvedType
    missing_rows: int
    range: tuple[float, float] | None = None
    """The least and the largest number of the rows that were learned from; None where there is none."""


class ResolvedCategories(_Resolved):
    """The known values of a categorical column, the most frequent first."""

    values: tuple[str, ...]
    rows: tuple[int, ...]
    """How many of the rows that were learned from hold each."""
    distinct: int
    """How many values there are in these rows: those beyond the number that is written down count as unseen."""
    spelling: Annotated[Spelling, Field(exclude_if=lambda spelling: spelling == "text")] = "text"
    """How the values are spelled, and so any cell that is looked up among them."""


class ResolvedLabel(_Resolved):
    """Which values mean what, as they are in the table."""

    positive: tuple[Scalar, ...]
    negative: tuple[Scalar, ...]
    positive_rows: int
    negative_rows: int
    unlabelled_rows: int


class ResolvedDataset(_Resolved):
    """A data set whose declaration holds for its rows."""

    declaration: Declaration
    rows: int
    """In the whole table."""
    learned_rows: tuple[int, int]
    """The first row that ranges and known values were read from, and the one behind the last."""
    columns: dict[str, ResolvedColumn]
    categories: dict[str, ResolvedCategories]
    label: ResolvedLabel
    currency: str | None = None
    """Of all amounts, after conversion where rates are declared."""
    absent: tuple[str, ...] = ()
    """Optional columns that the table lacks."""
    repeated_rows: int = 0
    """How many rows are the same as an earlier one in every column."""
    sql: str | None = None
    """The text of the SQL that the declaration names, where it does."""

    @property
    def reads_clock(self) -> bool:
        """Whether models read of the time of a row: the calendar, or what its own SQL makes of the clock."""
        if self.declaration.time is None or self.declaration.calendar:
            return bool(self.declaration.calendar)
        return any(CLOCK in each.columns for each in own_features(self.declaration, self.sql).values())

    @property
    def cut(self) -> Literal["chronological slices", "folds"]:
        """How rows are cut into those that are learned from and those that judge: by time where there is one."""
        return "folds" if self.declaration.time is None else "chronological slices"

    def to_json(self) -> str:
        """Return it as JSON that :meth:`from_json` reads."""
        unset = {name for name, value in (("repeated_rows", self.repeated_rows), ("sql", self.sql)) if not value}
        content = self.model_dump(mode="json", exclude={"declaration", *unset})
        declaration = self.declaration.model_dump(mode="json", exclude_defaults=True)  # the same however it was stored on the way
        return json.dumps({"format": FORMAT, "declaration": declaration, **content}, ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str) -> ResolvedDataset:
        """Return what :meth:`to_json` wrote, a declaration of an older version upgraded.

        Raises
        ------
        DataError
            It is no such text, or a newer version wrote it.
        """
        wrong = "The resolved data set cannot be read"
        try:
            content = json.loads(text)
            found = content.pop("format")
            if found != FORMAT:
                raise DataError(
                    f"{wrong}: it has format {found}; this FusionGuard reads {FORMAT}.", "Install a newer FusionGuard."
                )
            content["declaration"] = upgraded(content["declaration"])
            return cls.model_validate(content)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise DataError(f"{wrong}: {place} is not as it was written.", "Get the bundle again from where it came.") from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(f"{wrong}: {error}.", "Get the bundle again from where it came.") from error
