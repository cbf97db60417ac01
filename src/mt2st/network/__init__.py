"""The model that the tasks share: one embedding layer, one encoder, one head a task (section III-B3, III-B5)."""

from mt2st.network.encoders import Encoded, Encoder, build_encoder, encoder_class, encoder_names
from mt2st.network.network import Network, Standardise, TaskLayer, activate_task_layers
from mt2st.network.subword_embedding import Spelling, SubwordEmbedding

__all__ = [
    "Encoded",
    "Encoder",
    "Network",
    "Spelling",
    "Standardise",
    "SubwordEmbedding",
    "TaskLayer",
    "activate_task_layers",
    "build_encoder",
    "encoder_class",
    "encoder_names",
]
