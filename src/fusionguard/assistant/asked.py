"""The models that can be asked: each is a family on a data set, known by the name that registry, routes and logs have for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, cached_property

from fusionguard.assistant.field_patterns import FieldPatterns
from fusionguard.families.catalog import family_names, model_family
from fusionguard.families.declared_words import spelled
from fusionguard.families.family import ModelFamily
from fusionguard.families.past_fields import Key


class AskedModel:
    """A model with what people call it.

    Parameters
    ----------
    family
        The family, bound to the model's data set.
    """

    def __init__(self, family: ModelFamily) -> None:
        self.family = family
        self.name = family.model
        self.kind = family.name
        self.words = family.words

    @property
    def ships(self) -> bool:
        """Whether it is the one of its kind whose data set ships, which is called by the kind's words."""
        return self.family.declared is None

    @property
    def label(self) -> str:
        """What a choice between models calls it."""
        return self.family.title if self.ships else f"{self.name} ({self.kind})"

    @cached_property
    def named_by(self) -> re.Pattern[str]:
        """What names it in a question: the words of its kind, or its data set's own name."""
        words = self.words.named_by if self.ships else spelled(self.name)
        return re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)

    @cached_property
    def fields(self) -> FieldPatterns:
        """How the fields of its made-up rows are written."""
        return FieldPatterns(self.family)

    @property
    def private_columns(self) -> frozenset[str]:
        """The columns of its data set whose values are never repeated: private ones, ids, and who or what has a history."""
        if self.family.declared is None:
            return frozenset()
        declaration = self.family.declared.declaration
        ids = {declaration.id} if declaration.id is not None else set()
        hidden = {*self.family.schema.private, *declaration.private, *declaration.entity_columns, *ids}
        learned = {field.name for field in self.family.request_fields.all if not isinstance(field, Key)}
        return frozenset(hidden - learned)


def mentioned_models(text: str, models: Sequence[AskedModel]) -> tuple[AskedModel, ...]:
    """Return the models that a text means; none where it names none, or more than one kind.

    The name of a declared data set goes before the words of a kind. Those mean the model whose data set ships where that is one
    of ``models``, else all of the kind, else the one that ships, of which can be said at least that there is none.
    """
    declared = tuple(model for model in models if not model.ships and model.named_by.search(text))
    if declared:
        return declared
    kinds = [model for model in shipped_models() if model.named_by.search(text)]
    if len(kinds) != 1:
        return ()
    same = tuple(model for model in models if model.kind == kinds[0].kind)
    return tuple(model for model in same if model.ships) or same or (kinds[0],)


def private_columns(models: Sequence[AskedModel]) -> frozenset[str]:
    """Return the columns, of any of the models' data sets, whose values are never repeated."""
    return frozenset().union(*(model.private_columns for model in models))


@cache
def shipped_models() -> tuple[AskedModel, ...]:
    """Return the models of the data sets that ship, one a family."""
    return tuple(AskedModel(model_family(name)) for name in family_names())
