"""From documents to the ids that a network reads, and the network that knows them."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO

import numpy as np

from mt2st.embedding.known_subwords import KnownSubwords
from mt2st.network import Network, SubwordEmbedding
from mt2st.tasks import Texts
from mt2st.text import Corpus, OpenVocabulary, Tokeniser, Vocabulary
from mt2st.text.corpus_writer import IDS_TYPE, OFFSETS_TYPE, write_known


class DocumentEncoder:
    """Encodes a bounded amount of documents, and then gives the network that can read them.

    Where words are made of n-grams, each word that the vocabulary lacks gets an id of its own, and a vector of its
    n-grams; else all of them are the unknown word.

    Args:
        vocabulary: the model's.
        tokeniser: the model's.
        subwords: the n-grams of the vocabulary's words; None for a model on words alone.
    """

    def __init__(self, vocabulary: Vocabulary, tokeniser: Tokeniser, subwords: KnownSubwords | None) -> None:
        self.vocabulary, self.tokeniser, self.subwords = vocabulary, tokeniser, subwords
        self._open = OpenVocabulary(vocabulary) if subwords is not None else None

    @classmethod
    def of(cls, network: Network, vocabulary: Vocabulary, tokeniser: Tokeniser) -> DocumentEncoder:
        """Return a reader for a trained network."""
        embedding = network.embedding
        return cls(vocabulary, tokeniser, embedding.subwords if isinstance(embedding, SubwordEmbedding) else None)

    def read(self, documents: Iterable[str]) -> Texts:
        """Encode documents."""
        if self._open is None:
            return Texts.of(Corpus.build(documents, tokeniser=self.tokeniser, vocabulary=self.vocabulary))
        ids, offsets = BytesIO(), BytesIO()
        write_known(documents, self.tokeniser, self._open, ids, offsets)
        return Texts(np.frombuffer(ids.getvalue(), IDS_TYPE), np.frombuffer(offsets.getvalue(), OFFSETS_TYPE))

    def network(self, network: Network) -> Network:
        """Return the network as it reads what was encoded so far: itself, or one that shares all its parameters."""
        if self._open is None or self.subwords is None or not self._open.further:
            return network
        assert isinstance(network.embedding, SubwordEmbedding)
        return network.on(network.embedding.with_words(self.subwords.bags_of(self._open.further)))
