"""A model's word embedding: a row a word, or made of n-grams, as the settings say."""

from __future__ import annotations

from torch import Tensor, nn

from mt2st.embedding import SubwordSettings, SubwordVectors, WordVectors
from mt2st.embedding.known_subwords import KnownSubwords
from mt2st.models.settings import ModelSettings
from mt2st.network import SubwordEmbedding
from mt2st.text import PAD, SPECIALS, Vocabulary


def subword_settings(settings: ModelSettings) -> SubwordSettings:
    """Return which n-grams, in how many buckets; gensim's lengths where the settings do not say."""
    given = {"min_n": settings.embedding.min_n, "max_n": settings.embedding.max_n, "bucket": settings.embedding.bucket}
    return SubwordSettings(**{name: value for name, value in given.items() if value is not None})


def subwords_of(settings: ModelSettings, vocabulary: Vocabulary) -> KnownSubwords | None:
    """Return the n-grams of a vocabulary's words, or None where the settings make words of none."""
    return KnownSubwords.of(vocabulary.tokens, subword_settings(settings)) if settings.has_ngrams else None


def new_embedding(table: Tensor, subwords: KnownSubwords | None) -> nn.Embedding | SubwordEmbedding:
    """Return an embedding on a table, whose memory it takes: ``[V, vector_size]``, or ``[V + K, vector_size]``."""
    if subwords is not None:
        return SubwordEmbedding(table, subwords)
    return nn.Embedding(len(table), table.shape[1], padding_idx=PAD, _weight=table)


def word_vectors(embedding: nn.Embedding | SubwordEmbedding, vocabulary: Vocabulary) -> WordVectors:
    """Return a copy of the words' vectors; with n-grams, which give unseen words theirs, where it is made of such."""
    table = embedding.weight.detach().cpu().numpy()
    if isinstance(embedding, SubwordEmbedding):
        known = embedding.subwords
        return SubwordVectors(vocabulary.tokens[len(SPECIALS) :], known.whole_table(table), known.settings)
    return WordVectors(vocabulary.tokens[len(SPECIALS) :], table[len(SPECIALS) :].copy())
