"""The shared layers between the embedding and the heads, one file an encoder.

A new encoder is a subclass of `Encoder` in a file of its own and a line in `build_encoder`.
"""

from __future__ import annotations

from typing import Literal

from mt2st.errors import InputError, listed, suggestion
from mt2st.network.encoders.base import Encoded, Encoder
from mt2st.network.encoders.bilstm import BiLSTM
from mt2st.network.encoders.cnn import CNN
from mt2st.network.encoders.mean import Mean

__all__ = ["CNN", "ENCODERS", "BiLSTM", "Encoded", "Encoder", "EncoderName", "Mean", "build_encoder"]

EncoderName = Literal["bilstm", "mean", "cnn"]
ENCODERS: tuple[EncoderName, ...] = ("bilstm", "mean", "cnn")


def build_encoder(name: str, *, vector_size: int, hidden_size: int = 256, pooling: str = "max") -> Encoder:
    """Return a new encoder by its name on the command line.

    Args:
        name: one of `ENCODERS`.
        vector_size: size of the word vectors.
        hidden_size: state of each direction of the BiLSTM, filters of each width of the CNN; the mean has none.
        pooling: how the BiLSTM and the CNN make one vector of a text; the mean needs none.

    Raises:
        InputError: when the name or the pooling is unknown.
    """
    if name == "bilstm":
        return BiLSTM(vector_size, hidden_size, pooling)
    if name == "cnn":
        return CNN(vector_size, hidden_size, pooling=pooling)
    if name == "mean":
        return Mean(vector_size)
    raise InputError(f"unknown encoder '{name}'.{suggestion(name, ENCODERS)} Known: {listed(ENCODERS)}")
