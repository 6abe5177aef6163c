"""A peer: FastAPI around the same ONNX graphs, which checks nothing, measures nothing and logs nothing."""

from __future__ import annotations

import os
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from benchmarks.serving.scorer import BUNDLE_VARIABLE, PlainScorer

app = FastAPI()
_scorer = PlainScorer(Path(os.environ[BUNDLE_VARIABLE]))


@app.post("/score")
async def score(request: Request) -> JSONResponse:
    """Score a transaction."""
    return JSONResponse(_scorer.score(await request.json()))
