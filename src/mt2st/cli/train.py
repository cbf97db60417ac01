"""``mt2st train``: one run, from a file of labelled texts or tagged sentences to a model folder."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from signal import SIGINT
from typing import TYPE_CHECKING, Annotated, Literal

from mt2st._files import complete_file
from mt2st.cli.data_options import DataOptions, Parts, read_parts
from mt2st.cli.interruption import Interrupted, stopped_by_signals
from mt2st.cli.launched import launched
from mt2st.cli.options import MINUTES, all_or_errors, named_by_flags
from mt2st.cli.run_folder import RunFolder, kept
from mt2st.cli.strategy_options import ModelOptions, StrategyName, StrategyOptions, name_of, parse_with_strategies
from mt2st.cli.terminal import say, say_unknown_words
from mt2st.cli.without_effect import check_schedule, warn_of_unused
from mt2st.errors import MissingExtraError, NotWrittenError, listed
from mt2st.evaluation.tables import AUXILIARY_HEADER, aligned, auxiliary_rows, metrics_table

if TYPE_CHECKING:
    from mt2st.embedding import VectorProgress
    from mt2st.models.trained_model import AnyModel
    from mt2st.training import Callback, Run, Trainer

MODEL, METRICS, REPORT, CHECKPOINT = "model", "metrics.jsonl", "report.json", "checkpoint"
FROZEN, FIGURE = "frozen_dimensions.json", "frozen_dimensions.png"
PAGE = "report.html"
DESCRIPTION = """Train a text classifier or a tagger: a folder with the model, its metrics and a report.

Examples:
  mt2st train reviews.csv --text review --label sentiment --output run
  mt2st train reviews.csv --output run --unlabelled more.txt --encoder mean --epochs 20
  mt2st train sentences.conllu --task tagging --output run
  mt2st train reviews.csv --output run --strategy switch --switch-at 3 --auxiliaries context analogy"""
SHOWN = (
    "data", "output", "text", "label", "task", "unlabelled", "validation", "test", "train_size",
    "strategy", "auxiliaries", "decay", "switch_at", "encoder", "init", "vector_size",
    "epochs", "batch_size", "learning_rate", "seed", "overwrite", "resume",
)  # fmt: skip
"""What ``--help`` shows: the data and the options that most people use."""


@dataclass(frozen=True, kw_only=True)
class TrainOptions(ModelOptions):
    """Options of ``mt2st train``."""

    source: DataOptions
    output: Path = Path("mt2st-run")
    """Folder for the model, the metrics and the report."""
    strategy: StrategyName = "diminish"
    """How training moves from all tasks to the primary one."""
    schedule: StrategyOptions = field(default_factory=StrategyOptions)
    overwrite: bool = False
    """Replace an earlier run in the output folder."""
    resume: bool = False
    """Go on with an interrupted run in the output folder."""
    fallback: Path | None = None
    """Folder for what the disk of the output folder refuses in the end: model and report, or the checkpoint."""
    final_fit: bool = True
    """When the choice is made, train again on all labelled texts, those to choose by included. Only if they are a share
    of the data."""
    autotune: Annotated[float | None, MINUTES] = None
    """Minutes for a search of the settings that no option says: one training after the other, the best on the
    validation part kept. Needs the extra 'search'."""
    log_to: Literal["tensorboard", "mlflow", "wandb"] | None = None
    """Log the training to TensorBoard (in the folder runs), MLflow or Weights & Biases, too; where to and under which
    name their environment variables say. Needs the extra of that name."""


def run(arguments: Sequence[str]) -> int:
    """Run the command."""
    options = parse_with_strategies(
        TrainOptions, arguments, program="mt2st train", description=DESCRIPTION, common=SHOWN
    )
    with named_by_flags(type(options)), launched() as processes:
        rank = processes.rank if processes is not None else 0
        return _train(replace(options, strategy=name_of(options.strategy)), arguments, rank)


def _train(options: TrainOptions, arguments: Sequence[str], rank: int) -> int:
    chosen = options.model.auxiliaries
    settings, strategy = all_or_errors(
        lambda: options.model.checked(of_words=options.source.task == "tagging"),
        lambda: options.schedule.build(options.strategy, chosen),
    )
    settings.check_files()
    warn_of_unused(options, settings, strategies=[options.strategy], auxiliaries=chosen)
    schedules = [(options.strategy, strategy, chosen)]
    if strategy.unit == "epoch":
        check_schedule(schedules, settings)
    every = options.checkpoint_seconds
    trackers = _trackers(options) if rank == 0 else []
    if rank == 0 and options.fallback is not None and options.fallback.absolute() != options.output.absolute():
        with _folder(options, options.fallback, resume=False, option="--fallback"):
            pass  # it can be written, and is free
    with ExitStack() as stack:
        folder = _folder(options, options.output, resume=options.resume)
        if rank == 0:
            stack.enter_context(folder)
        parts = read_parts(options.source)

        from mt2st.cli.progress import TrainingProgress
        from mt2st.models import model_class
        from mt2st.models.inputs import Rereadable
        from mt2st.training.checkpoint import check_room

        class Watcher(TrainingProgress):
            """Makes room for the run's files as late as possible: until then, its input may be refused."""

            def on_vectors(self, progress: VectorProgress) -> None:
                folder.prepare()  # before their first checkpoint
                super().on_vectors(progress)

            def before_fit(self, trainer: Trainer) -> None:
                if strategy.unit == "step":  # how many steps there are is known only now
                    check_schedule(schedules, settings, steps_per_epoch=trainer.primary.n_batches)
                check_room(options.output / CHECKPOINT, trainer.state_dict())
                folder.prepare()

        model = model_class(options.source.task).from_settings(settings, strategy)
        listener = Watcher("train")
        with stopped_by_signals(model.stop) as received, _telling_what_is_kept(options.output / CHECKPOINT):
            model.fit_rows(
                parts.train,
                unlabelled=Rereadable(parts.unlabelled),
                validation=parts.validation,
                test=parts.test,
                final_fit=options.final_fit and options.source.splits_validation,
                autotune=options.autotune,
                log=options.output / METRICS,
                checkpoint=options.output / CHECKPOINT,
                checkpoint_seconds=every,
                fallback=options.fallback / CHECKPOINT if options.fallback else None,
                origin=options.source.by_name(),
                callbacks=[listener, *trackers],
            )
        listener.close()
        if rank:  # what is left to do is the first process's
            return 128 + SIGINT if model.run_.stopped == "interrupted" else 0
        folder.prepare()  # with few labels there is no training that would have made room
        if model.run_.stopped == "interrupted":
            written, again = options.output, "the same command with --resume"
            if options.fallback and (options.fallback / CHECKPOINT).is_dir():
                written, again = options.fallback, f"{again} and --output {options.fallback}"
                folder.claim(written)
            say(f"interrupted: {written / CHECKPOINT} is written; {again} goes on")
            return 128 + (received[0] if received else SIGINT)  # another process may have received it
        _report(options, parts, model, arguments)
        for tracker in trackers if parts.test is not None else ():
            tracker.on_model(model)  # again, with the metrics on the test part
    return 0


def _trackers(options: TrainOptions) -> list[Callback]:
    """Return what logs the training elsewhere, if anything does."""
    if options.log_to == "tensorboard":
        from mt2st.integrations.tensorboard import TensorBoardLog

        return [TensorBoardLog()]
    if options.log_to == "mlflow":
        from mt2st.integrations.mlflow import MlflowLog

        return [MlflowLog()]
    if options.log_to == "wandb":
        from mt2st.integrations.wandb import WandbLog

        return [WandbLog()]
    return []


@contextmanager
def _telling_what_is_kept(checkpoint: Path) -> Iterator[None]:
    """Say what goes on from the checkpoints of a training that a signal, or a full disk, has ended at once."""
    try:
        yield
    except (KeyboardInterrupt, Interrupted, NotWrittenError):
        if checkpoint.is_dir():
            say(f"{checkpoint} is kept: the same command with --resume goes on from there")
        raise


def _folder(options: TrainOptions, path: Path, *, resume: bool, option: str = "--output") -> RunFolder:
    from mt2st.models.fitting import CHECKPOINT_FILES
    from mt2st.models.folder import FILES as MODEL_FILES

    model = [f"{MODEL}/{name}" for name in MODEL_FILES]
    files = [METRICS, REPORT, FROZEN, FIGURE, PAGE, *(f"{CHECKPOINT}/{name}" for name in CHECKPOINT_FILES), *model]
    resumes = CHECKPOINT if resume else None
    return RunFolder(path, files, option=option, kept=model, resumes=resumes, overwrite=options.overwrite)


def _report(options: TrainOptions, parts: Parts, model: AnyModel, arguments: Sequence[str]) -> None:
    from mt2st.models.inputs import joined
    from mt2st.study.predictions import predictions_of
    from mt2st.study.report import write_report
    from mt2st.study.result import machine, versions
    from mt2st.training.callbacks import finite

    part, rows, probabilities = "validation", parts.validation, model.validation_probabilities_
    if parts.test is not None or probabilities is None:
        part, rows = ("test", parts.test) if parts.test is not None else (part, rows)
        probabilities = model.predict_rows(rows, name=part)
    elif len(probabilities) > len(rows):  # few labels: all of them were held out in turn
        rows = joined(parts.train, rows)
    run, names = model.run_, [str(each) for each in model.classes_]
    report = {
        "metrics": model.metrics_,
        "predictions": asdict(
            predictions_of(names, rows, probabilities, scheme=getattr(model, "scheme_", None), part=part)
        ),
        "train_seconds": run.train_seconds,
        "steps": run.steps,
        "best_epoch": run.evaluations[run.best].epoch if run.evaluations else None,
        "choice": model.choice_,
        "stopped": run.stopped,
        "cause": run.cause,
        "transition_step": run.transition_step,
        "decisions": [finite(asdict(decision)) for decision in run.decisions],
        "transitions": [asdict(transition) for transition in run.transitions],
        "frozen_dimensions": sum(len(freeze.dimensions) for freeze in run.freezes),
        "frozen_dimensions_kept": len(run.kept_frozen),
        "kept_single_task": run.kept_single_task,
        "halvings": [asdict(halving) for halving in run.halvings],
        "auxiliaries": {name: report.as_dict() for name, report in model.auxiliaries_.items()},
        "about": {
            "command": shlex.join(["mt2st", "train", *arguments]),
            "data": parts.described(),
            "versions": versions(),
            "machine": machine(),
        },
    }

    def write(output: Path) -> Path:
        with ExitStack() as stack:
            if output != options.output:
                stack.enter_context(_folder(options, output, resume=False)).prepare()
            # An earlier model is one that the run was told to replace, maybe before it was interrupted.
            model.save(
                output / MODEL,
                overwrite=True,
                about=parts.described(),
                dataset=options.source.dataset,
                columns=options.source.columns(),
            )
            with complete_file(output / REPORT, overwrite=True) as file:
                file.write(json.dumps(report, indent=2).encode() + b"\n")
            if run.freezes:
                _save_frozen(output, run)
        return output

    output = kept(write, options.output, options.fallback)
    shutil.rmtree(options.output / CHECKPOINT, ignore_errors=True)
    print(aligned(metrics_table(model.metrics_)))
    if held_out := _held_out(model):
        print(aligned(held_out))
    say_unknown_words(model, rows, f"the {part} part")
    print(f"model: {output / MODEL}")
    try:
        say(f"report: {write_report(output)}")
    except MissingExtraError as error:  # the model is complete without its page
        say(f"no report page: {error}")
    if model.ensemble_ is not None:
        say(f"weights of the classifiers: {model.ensemble_.described()}")
    if not run.evaluations:
        return
    say(f"{run.steps:,} steps, {run.train_seconds:.1f} s of training, best epoch {report['best_epoch']}")
    if run.cause:
        say(f"the run ended by itself: {run.cause}")
    for probe in run.probes:
        say(f"the head was fitted by a linear probe before step {probe.step:,}, on {probe.texts:,} texts")
    _say_what_is_kept(run)
    idle = options.transition.acts_at_transition if run.transition_step is None else []
    if idle:
        say(f"no transition to single-task training took place: {listed(idle)} changed nothing")


def _say_what_is_kept(run: Run) -> None:
    """Say what the kept parameters lack of what happened in the run."""
    best = run.evaluations[run.best].epoch
    if run.transition_step is not None and not run.kept_single_task:
        say(f"the model is that of epoch {best}, from before the transition to single-task training")
    frozen = sum(len(freeze.dimensions) for freeze in run.freezes)
    if len(run.kept_frozen) < frozen:
        say(f"the model is that of epoch {best}, when {len(run.kept_frozen)} of the {frozen} dimensions were frozen")


def _save_frozen(output: Path, run: Run) -> None:
    """Write the frozen dimensions as numbers and as a figure."""
    from mt2st.study.figures import plot_frozen_dimensions
    from mt2st.training import save_freezes

    save_freezes(output / FROZEN, run.freezes, kept=run.kept_frozen)
    plot_frozen_dimensions(run.freezes, output / FIGURE)


def _held_out(model: AnyModel) -> list[list[str]]:
    """Return a table of what the auxiliary tasks measure on the part of their data that is held out."""
    rows = [
        row for name, report in model.auxiliaries_.items() for row in auxiliary_rows(name, report.before, report.after)
    ]
    return [AUXILIARY_HEADER, *rows] if rows else []
