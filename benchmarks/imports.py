"""What imports alone take: ``record`` notes which modules a script loads, ``only`` loads the same ones and does nothing else.

python -m benchmarks.imports record MODULES.json run.py --pipeline fraud
python -m benchmarks.imports only MODULES.json
"""

from __future__ import annotations

import atexit
import importlib
import json
import runpy
import sys
import warnings
from pathlib import Path

from fusionguard.garbage import collect_seldom, leave


def main(arguments: list[str]) -> None:
    """Do what the command line asks for; see the module."""
    task, file, *script = arguments
    if task == "record":
        record(Path(file), script)
    elif task == "only":
        collect_seldom()  # as run.py does, and it ends so
        missed = import_all(json.loads(Path(file).read_text(encoding="utf-8")))
        print(json.dumps({"missed": missed}))
        leave(0)
    else:
        raise SystemExit(f"Unknown task '{task}': record or only.")


def record(file: Path, script: list[str]) -> None:
    """Run a script as ``python script`` would, then write the names of all modules loaded by then, in the order they came."""
    sys.argv = list(script)
    atexit.register(lambda: file.write_text(json.dumps(list(sys.modules)), encoding="utf-8"))
    runpy.run_path(script[0], run_name="__main__")


def import_all(modules: list[str]) -> list[str]:
    """Import modules by name in this order; return those that cannot be, because libraries made them up at run time."""
    from stacks.session import prepare_environment

    prepare_environment()
    missed = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in modules:
            if name != "__main__":
                try:
                    importlib.import_module(name)
                except ImportError:
                    missed.append(name)
    return missed


if __name__ == "__main__":
    main(sys.argv[1:])
