"""The network of a model as a graph of ONNX, written from its parameters.

torch's own exporters are not used: the newer one (torch 2.13) fixes the length of texts for an LSTM, and the older one
is to be removed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mt2st.errors import InputError, MissingExtraError, listed
from mt2st.models.folder import ModelFolder
from mt2st.models.inference import CLASSIFICATION, MULTI_LABEL, subwords_of
from mt2st.models.mean import HEAD, SMALLEST_VARIANCE
from mt2st.text import PAD

OPSET, IR_VERSION = 17, 8
"""Versions that onnxruntime reads from 1.13 on."""
MOST_BYTES = 2**31 - 2**20
"""Of a graph, which protobuf holds in one piece."""
FLOAT32, INT32, INT64 = 1, 6, 7
"""Numbers of types in ONNX."""
SPELLING_SCALE = np.array(1 / 3, np.float32)
"""As `mt2st.network.subword_embedding.SCALE`, which comes with torch."""
Parameters = Mapping[str, NDArray[Any]]


class _Graph:
    """The nodes and constants of a graph."""

    def __init__(self) -> None:
        try:
            from onnx import helper, numpy_helper
        except ModuleNotFoundError as error:
            raise MissingExtraError("writing a model in ONNX", "onnx") from error
        self._helper, self._of_array = helper, numpy_helper.from_array
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def add(self, operator: str, *inputs: str | NDArray[Any], **attributes: Any) -> str:
        """Add a node; return the name of its output."""
        names = [each if isinstance(each, str) else self._constant(each) for each in inputs]
        name = f"{operator.lower()}_{len(self._nodes)}"
        self._nodes.append(self._helper.make_node(operator, names, [name], **attributes))
        return name

    def _constant(self, value: NDArray[Any]) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants.append(self._of_array(np.ascontiguousarray(value), name))
        return name

    def finished(self, inputs: Mapping[str, tuple[int, Sequence[Any]]], output: str, shape: Sequence[Any]) -> bytes:
        """Return the graph as the bytes of a file, with its output renamed to ``probabilities``."""
        helper = self._helper

        def tensor(name: str, kind: int, shape: Sequence[Any]) -> Any:
            return helper.make_tensor_value_info(name, kind, list(shape))

        self._nodes.append(helper.make_node("Identity", [output], ["probabilities"]))
        given = [tensor(name, kind, shape) for name, (kind, shape) in inputs.items()]
        graph = helper.make_graph(
            self._nodes, "mt2st", given, [tensor("probabilities", FLOAT32, shape)], self._constants
        )
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="mt2st")
        made.ir_version = IR_VERSION
        if made.ByteSize() > MOST_BYTES:
            raise InputError(
                f"the network has {made.ByteSize():,} bytes, and a file in ONNX has {MOST_BYTES:,} at most"
            )
        return bytes(made.SerializeToString())


def network_graph(saved: ModelFolder) -> bytes:
    """Return the graph from token ids to probabilities, as the bytes of a file."""
    parameters, settings = saved.parameters, saved.config["settings"]
    encoder = "bilstm" if settings["encoder"]["name"] == "auto" else settings["encoder"]["name"]
    if encoder not in ENCODERS:
        raise InputError(
            f"the encoder '{encoder}' is your own, and only {listed(ENCODERS)} are written in ONNX: export it by "
            "torch.onnx.export"
        )
    problem, of_words = saved.problem_type, saved.problem_type == "tagging"
    graph = _Graph()
    inputs: dict[str, tuple[int, Sequence[Any]]] = {"ids": (INT64, ["batch", "length"])}
    real = graph.add("Not", graph.add("Equal", "ids", np.array(PAD)))
    vectors = _embedded(graph, saved, inputs)
    states = ENCODERS[encoder](graph, parameters, vectors, real)
    if not of_words:
        states = POOLINGS["mean" if encoder == "mean" else settings["encoder"]["pooling"]](
            graph, parameters, states, real
        )
        if "standardise.mean" in parameters:
            scale = 1 / np.sqrt(parameters["standardise.variance"] + np.float32(SMALLEST_VARIANCE))
            states = graph.add("Mul", graph.add("Sub", states, parameters["standardise.mean"]), scale)
    head = HEAD
    if f"{HEAD}.0.active" in parameters:
        head = f"{HEAD}.1"
        if bool(parameters[f"{HEAD}.0.active"]):
            inner = graph.add("Tanh", _linear(graph, parameters, f"{HEAD}.0.down", states))
            states = graph.add("Add", states, _linear(graph, parameters, f"{HEAD}.0.up", inner))
    logits = _linear(graph, parameters, head, states)
    assert of_words or problem in (CLASSIFICATION, MULTI_LABEL)
    found = graph.add("Sigmoid", logits) if problem == MULTI_LABEL else graph.add("Softmax", logits, axis=-1)
    shape = ["batch", *(["length"] if of_words else []), len(saved.config["classes"])]
    return graph.finished(inputs, found, shape)


def _embedded(graph: _Graph, saved: ModelFolder, inputs: dict[str, tuple[int, Sequence[Any]]]) -> str:
    """Add the vectors of words, and of their spelling; name what they need in the inputs."""
    table, subwords = saved.parameters["embedding.weight"], subwords_of(saved)
    if subwords is None:
        vectors = graph.add("Gather", table, "ids")
    else:
        inputs["further"] = (FLOAT32, ["words", table.shape[1]])
        n_words = len(saved.vocabulary)
        known = subwords.bags.composed(table, np.arange(n_words)).astype(np.float32)
        is_further = graph.add("GreaterOrEqual", "ids", np.array(n_words))
        inside = graph.add("Gather", known, graph.add("Min", "ids", np.array(n_words - 1)))
        beyond = graph.add("Max", graph.add("Sub", "ids", np.array(n_words)), np.array(0))
        outside = graph.add("Gather", "further", beyond)
        vectors = graph.add("Where", graph.add("Unsqueeze", is_further, np.array([2])), outside, inside)
    spelling = saved.parameters.get("spelling.table")
    if spelling is None:
        return vectors
    inputs["features"] = (INT64, ["batch", "length", "features"])
    rows = graph.add("Gather", np.concatenate([spelling, np.zeros((1, spelling.shape[1]), np.float32)]), "features")
    spelled = graph.add("Mul", graph.add("ReduceSum", rows, np.array([2]), keepdims=0), SPELLING_SCALE)
    return graph.add("Concat", vectors, spelled, axis=2)


def _linear(graph: _Graph, parameters: Parameters, name: str, values: str) -> str:
    product = graph.add("MatMul", values, parameters[f"{name}.weight"].T)
    return graph.add("Add", product, parameters[f"{name}.bias"]) if f"{name}.bias" in parameters else product


def _mean(graph: _Graph, parameters: Parameters, vectors: str, real: str) -> str:  # noqa: ARG001
    return vectors


def _bilstm(graph: _Graph, parameters: Parameters, vectors: str, real: str) -> str:
    """Add ONNX's bidirectional LSTM, which reads each text backwards within its own length."""

    def of_both(name: str) -> NDArray[Any]:
        weights = [parameters[f"encoder.{direction}.{name}_l0"] for direction in ("forwards", "backwards")]
        # torch has the gates input, forget, cell, output; ONNX input, output, forget, cell.
        return np.stack([np.concatenate([np.split(each, 4)[gate] for gate in (0, 3, 1, 2)]) for each in weights])

    hidden = parameters["encoder.forwards.weight_hh_l0"].shape[1]
    lengths = graph.add("ReduceSum", graph.add("Cast", real, to=INT32), np.array([1]), keepdims=0)
    biases = np.concatenate([of_both("bias_ih"), of_both("bias_hh")], axis=1)
    states = graph.add(
        "LSTM",
        graph.add("Transpose", vectors, perm=[1, 0, 2]),
        of_both("weight_ih"),
        of_both("weight_hh"),
        biases,
        lengths,
        hidden_size=hidden,
        direction="bidirectional",
    )
    return graph.add("Reshape", graph.add("Transpose", states, perm=[2, 0, 1, 3]), np.array([0, 0, 2 * hidden]))


def _cnn(graph: _Graph, parameters: Parameters, vectors: str, real: str) -> str:
    by_channel = graph.add("Transpose", _zero_at_padding(graph, vectors, real), perm=[0, 2, 1])
    names = [name for name in parameters if name.startswith("encoder.convolutions.") and name.endswith(".weight")]
    parts = []
    for name in sorted(names):
        weight, bias = parameters[name], parameters[name.replace(".weight", ".bias")]
        around = weight.shape[2] - 1
        parts.append(graph.add("Conv", by_channel, weight, bias, pads=[around // 2, around - around // 2]))
    return graph.add("Transpose", graph.add("Relu", graph.add("Concat", *parts, axis=1)), perm=[0, 2, 1])


def _pooled_mean(graph: _Graph, parameters: Parameters, states: str, real: str) -> str:  # noqa: ARG001
    lengths = graph.add("ReduceSum", graph.add("Cast", real, to=FLOAT32), np.array([1]), keepdims=1)
    sums = graph.add("ReduceSum", _zero_at_padding(graph, states, real), np.array([1]), keepdims=0)
    return graph.add("Div", sums, lengths)


def _pooled_max(graph: _Graph, parameters: Parameters, states: str, real: str) -> str:  # noqa: ARG001
    least = np.array(-np.inf, np.float32)
    kept = graph.add("Where", graph.add("Unsqueeze", real, np.array([2])), states, least)
    return graph.add("ReduceMax", kept, axes=[1], keepdims=0)


def _pooled_by_attention(graph: _Graph, parameters: Parameters, states: str, real: str) -> str:
    clean, score = _zero_at_padding(graph, states, real), "encoder.pooling.score"
    inner = graph.add("Tanh", _linear(graph, parameters, f"{score}.0", clean))
    scores = graph.add("Squeeze", _linear(graph, parameters, f"{score}.2", inner), np.array([2]))
    shares = graph.add("Softmax", graph.add("Where", real, scores, np.array(-np.inf, np.float32)), axis=1)
    weighed = graph.add("Mul", clean, graph.add("Unsqueeze", shares, np.array([2])))
    return graph.add("ReduceSum", weighed, np.array([1]), keepdims=0)


def _zero_at_padding(graph: _Graph, values: str, real: str) -> str:
    return graph.add("Where", graph.add("Unsqueeze", real, np.array([2])), values, np.array(0, np.float32))


Layer = Callable[[_Graph, Parameters, str, str], str]
ENCODERS: dict[str, Layer] = {"mean": _mean, "bilstm": _bilstm, "cnn": _cnn}
POOLINGS: dict[str, Layer] = {"mean": _pooled_mean, "max": _pooled_max, "attention": _pooled_by_attention}
