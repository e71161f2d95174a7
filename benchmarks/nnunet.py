"""Our recipe `hippocampus` and nnU-Net v2 trained on the same cases for the same minutes on the same machine.

166 cases to train on, the first 20 of 42 to judge by: fold 0 of 5 of the patients, shuffled with seed 0. nnU-Net plans
and preprocesses for itself (3d_fullres), its own trainer, loss, augmentation and schedule, with as many epochs as fit
in the minutes, so that its learning rate falls to the end as it is meant to; it predicts with its own tiling and
mirroring. Ours is recipes/hippocampus.toml with as many steps as fit. Planning, preprocessing and predicting are not
counted for either.
Both take turns on the same cores; the minutes are VESALIUS_BENCH_MINUTES (10).

Needs ``pip install nnunetv2`` beside what the tests need.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.learning import open_ended, steps_within, train_by, workplace
from benchmarks.learning_data import HIPPOCAMPUS, hippocampus_manifest
from vesalius.engine.progress import Progress
from vesalius.engine.session import EngineChoice, Session
from vesalius.io import read
from vesalius.measure.overlap import dice
from vesalius.models.folder import open_model
from vesalius.tasks.segment import segment
from vesalius.train.data import Case, open_dataset

PACKAGES = ("torch", "nnunetv2", "batchgeneratorsv2", "dynamic-network-architectures")
MINUTES = float(os.environ.get("VESALIUS_BENCH_MINUTES", "10"))
RECIPE = Path(__file__).parents[1] / "recipes" / "hippocampus.toml"
DATASET = "Dataset004_Hippocampus"
JUDGED = 20
LABELS = {"anterior": 1, "posterior": 2}


def run() -> dict[str, Any]:
    """Mean Dice of each, by label."""
    with workplace() as work:
        table = hippocampus_manifest(work / "hippocampus.csv", 166, JUDGED)
        cases = open_dataset(HIPPOCAMPUS, table).cases
        ours, theirs = _ours(work, cases), _nnunet(work, cases)
    return {"minutes_each": MINUTES, "threads": torch.get_num_threads(), "ours": ours, "nnU-Net v2": theirs}


def _ours(work: Path, cases: tuple[Case, ...]) -> dict[str, Any]:
    template = open_ended(RECIPE.read_text(encoding="utf-8"))
    template = template.replace("[data]\n", '[data]\nmanifest = "hippocampus.csv"\n')
    steps = steps_within(template, {}, HIPPOCAMPUS, work / "ours", MINUTES * 60)
    trained = train_by(template, {"steps": steps}, HIPPOCAMPUS, work / "ours")
    session = Session(open_model(trained.folder), EngineChoice())
    found = {
        case.name: segment(session, case.volume(), Progress()).labelmap.voxels
        for case in cases
        if case.split != "train"
    }
    return {"steps": steps, "seconds_a_step": round(trained.seconds_a_step, 3), **_scores(cases, found)}


def _nnunet(work: Path, cases: tuple[Case, ...]) -> dict[str, Any]:
    for variable in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
        os.environ[variable] = str(work / variable)
    os.environ["nnUNet_n_proc_DA"] = "1"  # noqa: SIM112 -- so nnU-Net spells it
    _lay_out(work / "nnUNet_raw" / DATASET, cases)
    from nnunetv2.experiment_planning.plan_and_preprocess_api import extract_fingerprints, plan_experiments, preprocess

    extract_fingerprints([4], num_processes=1)
    plan_experiments([4])
    preprocess([4], configurations=("3d_fullres",), num_processes=(1,))
    folder = work / "nnUNet_preprocessed" / DATASET
    names = {
        part: [case.name for case in cases if (case.split == "train") == (part == "train")] for part in ("train", "val")
    }
    (folder / "splits_final.json").write_text(json.dumps([names]))
    trainer = _trainer(folder)
    seconds = _train_for(trainer, MINUTES * 60)
    trainer.perform_actual_validation(False)
    found = {
        name: read(Path(trainer.output_folder) / "validation" / f"{name}.nii.gz").voxels[0] for name in names["val"]
    }
    iterations = trainer.num_epochs * trainer.num_iterations_per_epoch
    return {"iterations": iterations, "seconds_of_training": round(seconds), **_scores(cases, found)}


def _lay_out(folder: Path, cases: tuple[Case, ...]) -> None:
    """nnU-Net's raw format, by links."""
    for name in ("imagesTr", "labelsTr"):
        (folder / name).mkdir(parents=True)
    for case in cases:
        (folder / "imagesTr" / f"{case.name}_0000.nii.gz").symlink_to(HIPPOCAMPUS / "images" / f"{case.name}.nii.gz")
        (folder / "labelsTr" / f"{case.name}.nii.gz").symlink_to(HIPPOCAMPUS / "labels" / f"{case.name}.nii.gz")
    described = {
        "channel_names": {"0": "MRI"},
        "labels": {"background": 0, **LABELS},
        "numTraining": len(cases),
        "file_ending": ".nii.gz",
    }
    (folder / "dataset.json").write_text(json.dumps(described))


def _trainer(folder: Path) -> Any:
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    plans = json.loads((folder / "nnUNetPlans.json").read_text())
    plans["continue_training"] = False  # where nnU-Net's own command puts it
    dataset = json.loads((folder / "dataset.json").read_text())
    trainer = nnUNetTrainer(plans, "3d_fullres", 0, dataset, device=torch.device("cpu"))
    trainer.num_val_iterations_per_epoch, trainer.save_every = 1, 1000
    return trainer


def _train_for(trainer: Any, seconds: float) -> float:
    """Ten epochs, each of as many iterations as make them fill ``seconds``; its wall-clock seconds."""
    trainer.initialize()
    trainer.on_train_start()
    trainer.network.train()
    batch = next(trainer.dataloader_train)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        trainer.train_step(batch)
        times.append(time.perf_counter() - start)
    trainer.num_epochs = 10
    trainer.num_iterations_per_epoch = max(1, round(seconds / min(times) / trainer.num_epochs))
    trainer.lr_scheduler.max_steps = trainer.num_epochs
    start = time.perf_counter()
    for _ in range(trainer.num_epochs):
        trainer.on_epoch_start()
        trainer.on_train_epoch_start()
        outputs = [trainer.train_step(next(trainer.dataloader_train)) for _ in range(trainer.num_iterations_per_epoch)]
        trainer.on_train_epoch_end(outputs)
        trainer.current_epoch += 1
    elapsed = time.perf_counter() - start
    trainer.on_train_end()
    return elapsed


def _scores(cases: tuple[Case, ...], found: dict[str, np.ndarray]) -> dict[str, Any]:
    held = [case for case in cases if case.split != "train"]
    means = {}
    for name, value in LABELS.items():
        scores = []
        for case in held:
            truth = case.labelmap()
            assert truth is not None
            scores.append(dice(found[case.name], truth.voxels, value))
        means[name] = round(float(np.mean(scores)), 4)
    return {"cases": len(held), "dice": round(float(np.mean(list(means.values()))), 4), **means}
