"""The paper's input layer (section III-B1): from raw text to token ids.

Text flows through this folder in one direction::

    source -> Record -> text -> Tokeniser -> tokens -> Vocabulary -> ids -> Corpus

- A *source* is a file, a folder per class or a hub data set; `read_records` streams its rows in flat memory.
  `read_labelled` collects those with labels, `iterate_texts` streams the texts alone.
- `check_classes`, `split_labelled` and `split_to_choose_by` prepare labelled text for training and for judging.
- `read_tagged` and `read_multi_labelled` do the same for words with tags (CoNLL, CoNLL-U) and for texts with several
  labels; `split_at_random` splits what has no one label a row.
- A `Tokeniser` cuts a text into tokens, a `Vocabulary` gives each frequent token an id and knows its count.
- A `Corpus` holds the ids of many texts in flat arrays, in memory or mapped from disk.

Nothing here knows of training, and importing it loads neither torch nor numba. Whatever a user can get wrong raises
`mt2st.errors.InputError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mt2st._lazy import lazily

if TYPE_CHECKING:
    from mt2st.text.conll import TaggedSentence, is_tagged, read_conll, read_words
    from mt2st.text.corpus import Corpus
    from mt2st.text.labelled import (
        LabelledText,
        MultiLabelledText,
        TaggedText,
        check_classes,
        check_labels,
        check_tags,
        read_labelled,
        read_multi_labelled,
        read_tagged,
    )
    from mt2st.text.readers import KNOWN_EXTENSIONS, check_exists, iterate_texts, read_records
    from mt2st.text.rows import Dialect, Record
    from mt2st.text.split import shared_texts, split_at_random, split_labelled, split_to_choose_by
    from mt2st.text.tokeniser import Tokeniser
    from mt2st.text.vocabulary import PAD, SPECIALS, UNK, OpenVocabulary, Vocabulary

__all__ = [
    "KNOWN_EXTENSIONS",
    "PAD",
    "SPECIALS",
    "UNK",
    "Corpus",
    "Dialect",
    "LabelledText",
    "MultiLabelledText",
    "OpenVocabulary",
    "Record",
    "TaggedSentence",
    "TaggedText",
    "Tokeniser",
    "Vocabulary",
    "check_classes",
    "check_exists",
    "check_labels",
    "check_tags",
    "is_tagged",
    "iterate_texts",
    "read_conll",
    "read_labelled",
    "read_multi_labelled",
    "read_records",
    "read_tagged",
    "read_words",
    "shared_texts",
    "split_at_random",
    "split_labelled",
    "split_to_choose_by",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "conll": "TaggedSentence is_tagged read_conll read_words",
        "corpus": "Corpus",
        "labelled": "LabelledText MultiLabelledText TaggedText check_classes check_labels check_tags read_labelled "
        "read_multi_labelled read_tagged",
        "readers": "KNOWN_EXTENSIONS check_exists iterate_texts read_records",
        "rows": "Dialect Record",
        "split": "shared_texts split_at_random split_labelled split_to_choose_by",
        "tokeniser": "Tokeniser",
        "vocabulary": "PAD SPECIALS UNK OpenVocabulary Vocabulary",
    },
)
