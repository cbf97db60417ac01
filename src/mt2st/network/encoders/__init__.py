"""The shared layers between the embedding and the heads, one file per encoder."""

from mt2st.network.encoders.bilstm import BiLSTM
from mt2st.network.encoders.cnn import CNN
from mt2st.network.encoders.encoder import Encoded, Encoder, build_encoder, encoder_class, encoder_names
from mt2st.network.encoders.mean import Mean

__all__ = ["CNN", "BiLSTM", "Encoded", "Encoder", "Mean", "build_encoder", "encoder_class", "encoder_names"]
