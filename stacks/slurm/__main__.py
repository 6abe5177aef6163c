"""``python -m <this package>``: what the job script starts."""

from __future__ import annotations

import os

from .warning import ignore_end, listen

if __name__ == "__main__":
    ignore_end()  # before ZenML is imported: that takes seconds, and a warning may come in them
    listen(os.environ.get("ZENML_SLURM_LISTENER"))

    from .entrypoint import leave, main

    if os.environ.get("ZENML_SLURM_HELPER"):
        from .helper import HelperConfiguration, leave_with_the_step

        leave_with_the_step()
        leave(main(HelperConfiguration))
    leave(main())
