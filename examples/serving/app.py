"""A web service for a saved ``mean`` model, on numpy alone: ``MODEL=run/model uvicorn app:app``.

curl localhost:8000/predict --json '{"texts": ["A film of rare wit."]}'
"""

from __future__ import annotations

import os
from typing import Annotated

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from mt2st.inference import load

app, model = FastAPI(title="mt2st"), load(os.environ.get("MODEL", "model"))
classes = [str(label) for label in model.classes_]


class Texts(BaseModel):
    """What is to be predicted."""

    texts: Annotated[list[Annotated[str, Field(max_length=100_000)]], Field(max_length=1_000)]


@app.post("/predict")
def predict(given: Texts) -> list[dict[str, float]]:
    """Return the probability of each class, for each text; `model.class_prior_` for a text without a known word."""
    found, _ = model.predict_known(given.texts)
    return [dict(zip(classes, map(float, row), strict=True)) for row in found]


@app.get("/health")
def health() -> dict[str, list[str]]:
    """Return the classes: the model is loaded."""
    return {"classes": classes}


@app.exception_handler(RequestValidationError)
def refused(_: object, error: RequestValidationError) -> JSONResponse:
    """Tell what is wrong with a request without repeating it: half of a surrogate pair could not be sent back."""
    return JSONResponse({"detail": [{"at": each["loc"], "what": each["msg"]} for each in error.errors()]}, 422)
