"""How good taggers are with no options: parts of speech (LinES) and entities (WNUT17).

    python benchmarks/taggers.py ../shared/data [--spelling-off] [--init skipgram]

The development part chooses the epoch, the test part is measured once. Seconds are of the processor, all threads
together, for the whole `fit`; words a second are of the processor, too, for `predict`.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import time
from pathlib import Path

from mt2st import Embedding, Encoder, Tagger
from mt2st.text import TaggedText, read_tagged

FILES = {"parts of speech": "pos/en_lines-ud-{}.conllu.gz", "entities": "ner/wnut17-{}.conll"}
HEADER = ("task", "unlabelled", "accuracy", "on unseen words", "entity F1", "fit, s", "words/s")


def unseen_accuracy(train: TaggedText, test: TaggedText, found: list[list[str]]) -> float:
    """Return the share of right tags of the words that the training part lacks, in lower case."""
    known = {word.lower() for words in train.sentences for word in words}
    right = [
        tag == predicted
        for words, tags, row in zip(test.sentences, test.tags, found, strict=True)
        for word, tag, predicted in zip(words, tags, row, strict=True)
        if word.lower() not in known
    ]
    return sum(right) / len(right)


def row(data: Path, task: str, unlabelled: list[str], tagger: Tagger) -> tuple[str, ...]:
    """Train and measure a tagger; return its row of the table."""
    train, development, test = (read_tagged(data / FILES[task].format(part)) for part in ("train", "dev", "test"))
    begin = time.process_time()
    tagger.fit_rows(train, validation=development, unlabelled=unlabelled)
    fitted = time.process_time()
    found = tagger.predict(test.sentences)
    predicting = time.process_time() - fitted
    measured = tagger.evaluate_rows(test)
    f1 = f"{measured['entity_f1']:.1%}" if "entity_f1" in measured else "-"
    return (
        task,
        "reviews" if unlabelled else "-",
        f"{measured['accuracy']:.1%}",
        f"{unseen_accuracy(train, test, found):.1%}",
        f1,
        f"{fitted - begin:.0f}",
        f"{test.n_words / predicting:,.0f}",
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--spelling-off", action="store_true")
    parser.add_argument("--init", default="random")
    options = parser.parse_args()
    csv.field_size_limit(1 << 24)
    with gzip.open(options.data / "imdb5k" / "imdb5k.csv.gz", "rt", encoding="utf-8") as file:
        reviews = [each["review"] for each in csv.DictReader(file)]
    print(" | ".join(HEADER))
    for task in FILES:
        for unlabelled in ([], reviews):
            tagger = Tagger(
                encoder=Encoder(spelling=False if options.spelling_off else None),
                embedding=Embedding(init=options.init),
            )
            print(" | ".join(row(options.data, task, unlabelled, tagger)), flush=True)


if __name__ == "__main__":
    main()
