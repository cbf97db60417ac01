from __future__ import annotations

import pickle

import pytest
import torch

from mt2st import TextClassifier
from mt2st.errors import InputError
from mt2st.models import Compute, Context, Embedding, ModelSettings, Optimisation, Text

TEXTS = ["a good film", "a fine, good cast", "a bad film", "a dull, bad plot"] * 30
LABELS = [1, 1, 0, 0] * 30


def classifier(**compute: str) -> TextClassifier:
    return TextClassifier(
        encoder="mean",
        embedding=Embedding(vector_size=16),
        text=Text(min_count=1),
        optimisation=Optimisation(epochs=4, learning_rate=0.1, embedding_learning_rate=0.1),
        compute=Compute(parallel_context=False, **compute),  # type: ignore[arg-type]
    )


@pytest.fixture
def a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)


@pytest.mark.usefixtures("a_gpu")
def test_auto_is_the_gpu_if_there_is_one_unless_the_context_task_needs_the_cpu() -> None:
    assert ModelSettings().device == torch.device("cuda")
    assert ModelSettings(context=Context(method="glove")).device == torch.device("cpu")
    assert ModelSettings(context=Context(method="glove"), auxiliaries=("analogy",)).device == torch.device("cuda")
    assert ModelSettings(compute=Compute(device="cpu")).device == torch.device("cpu")


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_glove_on_a_gpu_is_refused(device: str) -> None:
    settings = ModelSettings(compute=Compute(device=device), context=Context(method="glove"))
    with pytest.raises(InputError, match=rf"compute.device is '{device}', but context.method 'glove' is compiled for"):
        settings.checked()


def test_unknown_devices_are_refused_with_all_other_errors_and_missing_ones_before_the_data_are_read() -> None:
    with pytest.raises(InputError, match=r"(?s)compute.device: should be 'auto', .*found 'gpu'.*linear is on") as error:
        ModelSettings(compute=Compute(device="gpu")).updated(encoder__linear=True).checked(of_words=True)
    assert len(str(error.value).splitlines()) == 2
    with pytest.raises(InputError, match="device 'cuda:99' is not there"):
        classifier().set_params(compute__device="cuda:99").fit(TEXTS, LABELS)
    with pytest.raises(InputError, match=r"It belongs to Compute: compute=Compute\(device='cuda'\)"):
        TextClassifier(device="cuda")  # type: ignore[call-arg]


@pytest.mark.parametrize("compute", [{"device": "cpu"}, {"precision": "bfloat16"}], ids=str)
def test_a_classifier_learns_with_a_named_device_and_in_bfloat16(compute: dict[str, str]) -> None:
    trained = classifier(**compute).fit(TEXTS, LABELS, validation=0.25, final_fit=False)
    assert trained.score(["good cast", "dull plot"], [1, 0]) == 1.0
    assert {each.dtype for each in trained.network_.parameters()} == {torch.float32}
    assert {each.device.type for each in trained.network_.parameters()} == {"cpu"}
    again = pickle.loads(pickle.dumps(trained))
    assert again.predict(["good"]).tolist() == [1]
