"""Tagged text in memory: what a tagger is trained and tested on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mt2st.errors import InputError
from mt2st.text.conll import read_conll
from mt2st.text.missing import check_present, has_lone_surrogate


@dataclass(frozen=True)
class TaggedText:
    """Sentences of words and the tag of each word, in the order of their source.

    Attributes:
        sentences: n sentences of words; a word is never empty.
        tags: for each sentence as many tags.
        source: where they come from, for messages and model cards.
        first_lines: the line of a file on which each tag comes first, from 1.

    Example:
        >>> data = TaggedText([["Show", "all"], ["Yes"]], [["VERB", "PRON"], ["INTJ"]])
        >>> len(data), data.texts, data.select([1]).tags
        (2, ['Show all', 'Yes'], [['INTJ']])
    """

    sentences: Sequence[Sequence[str]]
    tags: Sequence[Sequence[str]]
    source: str = "the tagged sentences"
    first_lines: Mapping[str, int] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        if len(self.sentences) != len(self.tags):
            raise InputError(
                f"{self.source}: sentences and tags must be as many, found {len(self.sentences)} and {len(self.tags)}"
            )
        for number, (words, tags) in enumerate(zip(self.sentences, self.tags, strict=True)):
            check_words(words, f"{self.source}: sentence {number}")
            if isinstance(tags, str) or len(words) != len(tags):
                raise InputError(
                    f"{self.source}: sentence {number} must have a tag for each word, found {len(words)} words and "
                    + (f"the text {tags!r}" if isinstance(tags, str) else f"{len(tags)} tags")
                )

    def __len__(self) -> int:
        return len(self.sentences)

    @property
    def n_words(self) -> int:
        """The number of words of all sentences."""
        return sum(len(words) for words in self.sentences)

    @property
    def texts(self) -> list[str]:
        """The sentences as texts, with spaces between the words."""
        return [" ".join(words) for words in self.sentences]

    def select(self, indices: Iterable[int]) -> TaggedText:
        """Return the sentences of these indices, in their order."""
        chosen = [int(index) for index in indices]
        sentences = [self.sentences[index] for index in chosen]
        return TaggedText(sentences, [self.tags[index] for index in chosen], self.source, self.first_lines)

    def tag_names(self) -> tuple[str, ...]:
        """Return the tags that occur, sorted."""
        return tuple(sorted({tag for tags in self.tags for tag in tags}))


def check_words(words: Sequence[str], place: str) -> None:
    """Raise `InputError` unless a sentence is a sequence of words."""
    if isinstance(words, str):
        raise InputError(f"{place}: give a list of words, found the one text {words[:40]!r}")
    for word in words:
        if not isinstance(word, str) or not word:
            raise InputError(f"{place}: a word is a text that is not empty, found {word!r}")
        if has_lone_surrogate(word):
            raise InputError(f"{place}: the word {word!r} holds half of a surrogate pair, which is no character")


def read_tagged(source: str | Path, *, tag: str | int | None = None, word: int = 1) -> TaggedText:
    """Read a tagged file into memory; the parameters are those of `read_conll`."""
    sentences, tags = [], []
    first_lines: dict[str, int] = {}
    for sentence in read_conll(source, tag=tag, word=word, first_lines=first_lines):
        sentences.append(sentence.words)
        tags.append(sentence.tags)
    return TaggedText(sentences, tags, str(source), first_lines)


def check_tags(tagged: TaggedText) -> None:
    """Check that there are two tags or more.

    Raises:
        InputError: a tag is missing (None or NaN), no word, or one tag only (the column may be another).

    Example:
        >>> check_tags(TaggedText([["Yes"]], [["_"]], "a.conllu"))
        Traceback (most recent call last):
        mt2st.errors.InputError: a.conllu: all words have the one tag '_'; a tagger needs two tags or more: ...
    """
    check_present((tag for tags in tagged.tags for tag in tags), "tags", tagged.source)
    names = tagged.tag_names()
    if not names:
        raise InputError(f"{tagged.source}: no tagged word; give at least two")
    if len(names) == 1:
        raise InputError(
            f"{tagged.source}: all words have the one tag '{names[0]}'; a tagger needs two tags or more: "
            f"is the column of the tags the right one?"
        )
