"""The model that the tasks share: one embedding layer, one encoder, one head a task (section III-B3, III-B5)."""

from mt2st.network.encoders import ENCODERS, Encoded, Encoder, build_encoder
from mt2st.network.network import PAD, Network
from mt2st.network.ngram_scores import NgramScores
from mt2st.network.subword_embedding import SubwordEmbedding

__all__ = ["ENCODERS", "PAD", "Encoded", "Encoder", "Network", "NgramScores", "SubwordEmbedding", "build_encoder"]
