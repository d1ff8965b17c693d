"""What has to be in place before libraries with threads of their own are loaded."""

from __future__ import annotations

import os


def prepare_process() -> None:
    """Let idle OpenMP threads sleep instead of spin, unless the user chose otherwise.

    On a machine whose cores are shared, spinning threads wait for each other: boosting ran 60 times slower beside
    one other busy process (docs/log.md). The runtime reads the variable when it is loaded, so this comes first.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
