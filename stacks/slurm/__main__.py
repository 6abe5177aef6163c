"""``python -m <this package>``: what the job script starts."""

from __future__ import annotations

import faulthandler
import gc
import os
import sys

from .warning import ignore_end, listen

if __name__ == "__main__":
    faulthandler.enable(all_threads=False)  # a crash in a library then ends the job's log with the Python line it came from
    gc.disable()  # ZenML's classes stay for good: looking for garbage among them takes a fifth of the start
    if sys.version_info < (3, 12) and "_distutils_hack" in sys.modules:
        sys.modules["_distutils_hack"].remove_shim()  # ZenML asks distutils for one path; setuptools' own takes 0.1 s to import
    ignore_end()  # before ZenML is imported: that takes seconds, and a warning may come in them
    listen(os.environ.get("ZENML_SLURM_LISTENER"))

    from .entrypoint import leave, main

    if os.environ.get("ZENML_SLURM_HELPER"):
        from .helper import HelperConfiguration, leave_with_the_step

        leave_with_the_step()
        leave(main(HelperConfiguration))
    leave(main())
