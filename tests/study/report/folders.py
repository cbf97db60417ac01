"""Folders of made-up studies and runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mt2st.models import ModelSettings
from mt2st.study import CellResult, Failure
from mt2st.training import Evaluation, Freeze, Run, Transition, save_freezes

METHODS = ("single-task", "multi-task", "diminish", "switch")
EPOCHS = 4


def course(method: str, seed: int, level: float) -> Run:
    """A run of a few epochs; switch is soonest, and its auxiliary task goes off after two of them."""
    weights = {"single-task": [], "multi-task": [1.0] * EPOCHS, "switch": [1.0, 1.0, 0.0, 0.0]}
    own = weights.get(method, [0.5, 0.25, 0.125, 0.0])
    evaluations = []
    for epoch in range(1, EPOCHS + 1):
        weight = {"context": own[epoch - 1]} if own else {}
        losses = {"primary": 0.7 / epoch + 0.001 * seed} | ({"context": 2.5} if any(weight.values()) else {})
        accuracy = level - 0.2 / epoch ** (3 if method == "switch" else 1)
        validation = {"loss": 0.8 / epoch, "accuracy": accuracy, "macro_f1": accuracy - 0.01}
        seconds = 1.5 * epoch + 0.01 * seed
        evaluations.append(
            Evaluation(
                epoch, 10 * epoch, seconds, losses, weight, {"encoder": 0.01}, 0.1, validation, flops=1e6 * epoch
            )
        )
    went_off = {"switch": Transition("context", 3, 21), "diminish": Transition("context", 4, 31)}
    return Run(evaluations, [went_off[method]] if method in went_off else [], best=EPOCHS - 1)


def results(methods: Sequence[str] = METHODS, seeds: int = 3) -> list[CellResult]:
    """Finished cells: each method is a point better than the one before, give or take a little in each seed."""
    found = []
    for place, method in enumerate(methods):
        for seed in range(1, seeds + 1):
            level = 0.75 + 0.01 * place + 0.001 * ((3 * seed + place) % 5)
            found.append(
                CellResult(
                    method,
                    seed,
                    {"accuracy": level - 0.02, "macro_f1": level - 0.03},
                    course(method, seed, level),
                    factors={"embedding": "random", "auxiliary": "context", "encoder": "bilstm"},
                    versions={"python": "3.11.2", "torch": "2.13.0"},
                    machine={"system": "Linux", "cores": 2},
                    identity={
                        "strategy": {
                            "strategy": "single-task" if method == "single-task" else "switch",
                            "settings": {"at": 3},
                        },
                        "settings": ModelSettings().updated(seed=seed).flat(),
                    },
                )
            )
    return found


def write_study(
    folder: Path,
    cells: Sequence[CellResult],
    *,
    failures: Sequence[Failure] = (),
    missing: Sequence[str] = (),
    command: str = "mt2st compare reviews.csv",
) -> Path:
    """Write a study's folder as ``mt2st compare`` does."""
    folder.mkdir(parents=True)
    names = []
    for number, cell in enumerate(cells):
        names.append(f"cell{number}-seed{cell.seed}")
        (folder / names[-1]).mkdir(parents=True)
        cell.write(folder / names[-1])
    for failure in failures:
        failure.write(folder / failure.folder)
    about = {"command": command, "data": ["750 labelled texts"]}
    content = {"schema": 1, "cells": [*names, *missing], "metric": "accuracy", "about": about}
    (folder / "study.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def write_run(
    folder: Path, *, classes: Sequence[str] = ("neg", "pos"), freezes: Sequence[Freeze] = (), best: int = EPOCHS - 1
) -> Path:
    """Write what ``mt2st train`` leaves of a run, but for the network."""
    run = replace(course("switch", 1, 0.8), freezes=list(freezes), best=best)
    model = folder / "model"
    model.mkdir(parents=True)
    config = {
        "format": 1,
        "problem_type": "classification",
        "classes": list(classes),
        "settings": ModelSettings().updated(optimisation__epochs=99).as_dict(),
        "strategy": {"strategy": "switch", "settings": {"unit": "epoch", "at": 3}},
        "run": run.as_dict(),
        "metrics": {
            "validation": dict(run.evaluations[-1].validation),
            "test": {"loss": 0.4, "accuracy": 0.7654, "macro_f1": 0.7612},
        },
    }
    (model / "config.json").write_text(json.dumps(config), encoding="utf-8")
    report = {
        "predictions": {
            "part": "test",
            "unit": "texts",
            "total": 200,
            "wrong": 47,
            "classes": [
                {"name": each, "precision": 0.75, "recall": 0.8, "f1": 0.7742, "support": 100} for each in classes
            ],
            "confusion": [[80, 20], [27, 73]],
            "calibration_error": 0.0314,
            "mistakes": [{"text": f"a {'long ' * 31}line", "true": "pos", "predicted": "neg", "probability": 0.987}],
            "entities": [{"name": "film", "precision": 0.25, "recall": 0.1, "f1": 0.143, "support": 1200}],
        },
        "about": {"command": "mt2st train reviews.csv", "versions": {"torch": "2.13.0"}},
    }
    (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")
    if freezes:
        save_freezes(folder / "frozen_dimensions.json", freezes, kept=run.kept_frozen)
    return folder
