"""``mt2st predict`` on a CoNLL file: its words as they stand, and how well its own tags are found."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from mt2st.cli.terminal import warn
from mt2st.text import TaggedSentence, is_tagged, read_conll, read_words
from mt2st.text.conll import TAGGED, has_names

if TYPE_CHECKING:
    from mt2st.models import Tagger

CHUNK = 1024
"""Texts predicted at a time: enough to fill batches of similar length, few enough for flat memory."""
Item = TypeVar("Item")
ENDINGS = (*TAGGED, *(f"{ending}.gz" for ending in TAGGED))
"""Endings of files of words, one a line."""


@dataclass(frozen=True)
class WordFile:
    """A file of words with tags or without.

    Attributes:
        source: the file.
        tag: column of the tags, as `mt2st.text.read_conll` takes it; one of the other format stands for the default.
        word: column of the words.
    """

    source: str
    tag: str | int | None = None
    word: int = 1

    def sentences(self) -> tuple[bool, Iterator[TaggedSentence]]:
        """Return whether the file has tags, and its sentences; without tags, those of the words are empty."""
        numbered = str(self.tag).removeprefix("-").isdecimal()
        tag = None if numbered == has_names(self.source) else self.tag
        if is_tagged(self.source, tag=tag, word=self.word):
            return True, read_conll(self.source, tag=tag, word=self.word)
        return False, (TaggedSentence(words, (), 0) for words in read_words(self.source, word=self.word))


@dataclass
class Found:
    """The tags of a file and those that were predicted."""

    true: list[tuple[str, ...]] = field(default_factory=list)
    predicted: list[list[str]] = field(default_factory=list)

    def __str__(self) -> str:
        from mt2st.evaluation import has_spans, span_report

        pairs = [pair for rows in zip(self.true, self.predicted, strict=True) for pair in zip(*rows, strict=True)]
        right = sum(one == two for one, two in pairs)
        text = f"{right:,} of {len(pairs):,} tags are those of the file (accuracy {right / len(pairs):.1%})"
        if has_spans({tag for pair in pairs for tag in pair}):
            text += f"; entity F1 {span_report(self.true, self.predicted).micro.f1:.1%}"
        return text


def tag_sentences(
    model: Tagger, sentences: Iterator[TaggedSentence], write: Callable[[tuple[str, ...], list[str]], Any]
) -> Found:
    """Tag sentences and write each; return their tags and the predicted ones."""
    found = Found()
    for sentence, _, predicted in tagged(model, sentences, lambda each: each.words):
        write(sentence.words, predicted)
        if sentence.tags:
            found.true.append(sentence.tags)
            found.predicted.append(predicted)
    return found


def tagged(
    model: Tagger, items: Iterable[Item], words_of: Callable[[Item], Sequence[str]]
) -> Iterator[tuple[Item, Sequence[str], list[str]]]:
    """Yield items with their words and tags; tell in the end how many have no word that the model knows."""
    from mt2st.models.tagger import KnownWords

    counts, items = KnownWords(), iter(items)
    while chunk := list(islice(items, CHUNK)):
        sentences = [words_of(each) for each in chunk]
        tags, known = model.predict_known_words(sentences)
        counts.add(known)
        for item, words, found in zip(chunk, sentences, tags, strict=True):
            yield item, words, [str(tag) for tag in found]
    if told := str(counts):
        warn(told)


def line_writer(out: TextIO, form: str | None) -> Callable[[tuple[str, ...], list[str]], Any]:
    """Return what writes a sentence: a word and its tag a line, or a line of JSON."""
    if form == "jsonl":
        return lambda words, tags: out.write(json.dumps({"words": words, "tags": tags}, ensure_ascii=False) + "\n")
    return lambda words, tags: out.write(
        "".join(f"{word}\t{tag}\n" for word, tag in zip(words, tags, strict=True)) + "\n"
    )
