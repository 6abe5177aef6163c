"""The tools there are: the one list that a call must be on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from fusionguard.assistant.tools.tool import Tool, ToolResult
from fusionguard.errors import StorageError, UnknownChoiceError, UsageError


class ToolCall(NamedTuple):
    """A tool by its name, and what it is asked."""

    tool: str
    arguments: dict[str, Any]


class Toolbox:
    """Runs the tools it was made with, and nothing else."""

    def __init__(self, tools: Sequence[Tool[Any]]) -> None:
        self._tools = {tool.name: tool for tool in tools}

    @property
    def tools(self) -> tuple[Tool[Any], ...]:
        """Every tool, in the order they were given."""
        return tuple(self._tools.values())

    def call(self, call: ToolCall) -> ToolResult:
        """Run a tool.

        Raises
        ------
        UsageError
            There is no such tool, or its arguments are wrong; the message says which, without their values.
        FusionGuardError
            The tool has nothing to read.
        """
        if call.tool not in self._tools:
            raise UnknownChoiceError("tool", call.tool, self._tools)
        try:
            return self._tools[call.tool].call(call.arguments)
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "the arguments"
            raise UsageError(f"{call.tool} cannot be asked that: {where}: {first['msg']}.") from None
        except OSError as error:
            told = f"{call.tool} cannot read what it needs: {error.strerror or 'the file system failed'}."
            raise StorageError(told, "Check the disk and who may read the home.") from error
