"""Typed shells around the domain: a step reads its inputs, calls one function of ``fusionguard``, and returns."""

import materializers  # noqa: F401  (registers them: every output of a step is stored by one of ours)
