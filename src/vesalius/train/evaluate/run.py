"""From a model and labelled data to an evaluation."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from vesalius._version import __version__
from vesalius.aside import aside_folder
from vesalius.engine.choose import EngineChoice
from vesalius.engine.progress import Listener, Progress
from vesalius.engine.session import Session
from vesalius.extras import require
from vesalius.models.folder import open_model, record
from vesalius.train.evaluate.classification import Classifier
from vesalius.train.evaluate.compare import compare, read_evaluation
from vesalius.train.evaluate.naming import model_values
from vesalius.train.evaluate.records import Classifications, Evaluation, Segmentations
from vesalius.train.evaluate.segmentation import Segmenter
from vesalius.train.evaluate.selection import Selected, Wanted, select
from vesalius.train.evaluate.walk import Outcome, walk


@dataclass(frozen=True)
class Options:
    """How it is done: what runs the networks, NSD's tolerance, whether voxels are ranked (a second run of each)."""

    engine: EngineChoice = field(default_factory=EngineChoice)
    tolerance_mm: float = 1.0
    voxel_ranking: bool = False


def evaluate(
    model: str | Path,
    data: Path,
    *,
    out: Path | None = None,
    wanted: Wanted | None = None,
    options: Options | None = None,
    against: Path | None = None,
    listener: Listener | None = None,
) -> Evaluation:
    """Run ``model`` on the cases of ``data`` that are ``wanted`` and compare with what the data say.

    With ``out``, evaluation.json, table.csv and plots are written into that folder, all of them or none. A case that
    cannot be read or judged is among the evaluation's ``failures``; the others are evaluated.

    Raises:
        DatasetError: there are no such cases, no labels, or none that the model knows.
        InputError: no case could be evaluated, or ``against``, another evaluation.json, does not compare.
        UsageError: the data do not say which cases are wanted, or a tolerance or engine that cannot be.
        MissingExtraError: plots are to be drawn and matplotlib is not installed.
    """
    options, progress = options or Options(), Progress(listener)
    if out is not None:
        require("matplotlib", "train")
    with ExitStack() as stack:
        staging = None if out is None else stack.enter_context(aside_folder(out))
        other = None if against is None else read_evaluation(against)
        folder = open_model(model)
        session = Session(folder, options.engine)
        selected = select(data, wanted or Wanted(), folder)
        with progress.stage("open"):
            session.open_all()
        evaluation = _evaluation(session, selected, options, progress)
        if other is not None:
            evaluation = evaluation.model_copy(update={"comparison": compare(evaluation, other, str(against))})
        if staging is not None:
            from vesalius.train.evaluate.write import write_evaluation

            with progress.stage("write"):
                write_evaluation(evaluation, staging)
    return evaluation


def _evaluation(session: Session, selected: Selected, options: Options, progress: Progress) -> Evaluation:
    values = model_values(selected.dataset, session.spec)
    outcome: Outcome[Segmentations] | Outcome[Classifications]
    if session.spec.task == "segment":
        segmenter = Segmenter(session, values, options.tolerance_mm, options.voxel_ranking)
        outcome = walk(segmenter, selected.cases, selected.dataset, progress)
    else:
        outcome = walk(Classifier(session, values), selected.cases, selected.dataset, progress)
    found = outcome.found
    return Evaluation(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        vesalius_version=__version__,
        model=record(session.folder),
        data=selected.record,
        running=outcome.running,
        segmentation=found if isinstance(found, Segmentations) else None,
        classification=found if isinstance(found, Classifications) else None,
        failures=outcome.failures,
        notes=outcome.notes,
    )
