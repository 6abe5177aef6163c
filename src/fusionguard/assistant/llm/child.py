"""The process that holds a language model: reads requests and writes answers as JSON lines; ends when its input does.

Run as ``python -m fusionguard.assistant.llm.child``; the first line it reads says which model to load and how.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

_SEED = 7


def main() -> int:
    """Load the model that the first line names, then serve until the input ends."""
    _die_first()
    out = _private_output()
    load = json.loads(sys.stdin.readline())
    requests: queue.Queue[dict[str, Any] | None] = queue.Queue()
    cancelled: set[int] = set()
    # before the model is loaded, which may take minutes: the parent may be killed in them
    threading.Thread(target=_listen, args=(requests, cancelled), daemon=True).start()
    try:
        model = _load(load)
    except Exception as error:  # whatever a library raises for a file it cannot read is told to the parent
        _send(out, {"error": f"{type(error).__name__}: {error}"[:300]})
        return 1
    _send(out, {"ready": True})
    while (request := requests.get()) is not None:
        try:
            _serve(model, request, cancelled, lambda content: _send(out, content))
        except Exception as error:  # of one request, not of the process
            _send(out, {"id": request["id"], "failed": f"{type(error).__name__}: {error}"[:300]})
    return 0


def _serve(model: Any, request: dict[str, Any], cancelled: set[int], send: Callable[[dict[str, Any]], None]) -> None:
    number = request["id"]
    if "count" in request:
        send({"id": number, "tokens": len(model.tokenize(request["count"].encode(), add_bos=False, special=False))})
        return
    stream = model.create_chat_completion(
        messages=[{"role": role, "content": text} for role, text in request["messages"]],
        max_tokens=request["most_tokens"],
        temperature=0.0,
        repeat_penalty=1.1,
        seed=_SEED,
        stream=True,
    )
    tokens = 0
    for part in stream:
        if number in cancelled:
            cancelled.discard(number)
            break
        text = part["choices"][0]["delta"].get("content")
        if text:
            tokens += 1
            send({"id": number, "text": text})
    send({"id": number, "done": tokens})


def _listen(requests: queue.Queue[dict[str, Any] | None], cancelled: set[int]) -> None:
    """Read requests while the model writes, so that one can be cancelled."""
    for line in sys.stdin:
        request = json.loads(line)
        if "cancel" in request:
            cancelled.add(request["cancel"])
        else:
            requests.put(request)
    os._exit(0)  # the parent is gone; the model may be in the middle of a long computation


def _load(load: dict[str, Any]) -> Any:
    if not Path(load["model"]).is_file():
        raise FileNotFoundError("there is no such file")
    with Path(load["model"]).open("rb") as stream:
        if stream.read(4) != b"GGUF":
            raise ValueError("it is not a GGUF file")
    import llama_cpp

    return llama_cpp.Llama(
        model_path=load["model"],
        n_ctx=load["context_tokens"],
        n_threads=load["threads"],
        n_threads_batch=load["threads"],
        n_gpu_layers=load["gpu_layers"],
        seed=_SEED,
        verbose=False,
    )


def _die_first() -> None:
    """Ask the kernel to end this process before others where memory runs out."""
    try:
        Path("/proc/self/oom_score_adj").write_text("1000")
    except OSError:
        return  # another system, or it is forbidden: nothing depends on it


def _private_output() -> TextIO:
    """Keep the pipe to the parent for our own lines: libraries that print reach the error stream."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return out


def _send(out: TextIO, content: dict[str, Any]) -> None:
    out.write(json.dumps(content) + "\n")
    out.flush()


if __name__ == "__main__":
    sys.exit(main())
