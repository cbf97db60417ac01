"""A trained classifier as a component of a spaCy pipeline (extra ``spacy``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from mt2st.errors import InputError, MissingExtraError
from mt2st.models.folder import FILES, ModelFolder
from mt2st.models.inference import to_predict

try:
    import srsly
    from spacy.language import Language
    from spacy.tokens import Doc
    from spacy.util import minibatch
except ModuleNotFoundError as error:
    raise MissingExtraError("a classifier in a spaCy pipeline", "spacy") from error

NAME = "mt2st_textcat"
"""The component's name, by which spaCy finds it where mt2st is installed."""


class TextCategorizer:
    """Sets ``doc.cats`` to the probabilities of a trained `TextClassifier` or `MultiLabelClassifier`.

    The text of the document is read by the classifier's own tokeniser: spaCy's tokens and the components before it are
    of no matter. A ``mean`` model needs no torch. A saved pipeline holds the model.

    Example:
        >>> import spacy
        >>> from mt2st import TextClassifier
        >>> model = TextClassifier(encoder="mean").fit(["a warm film", "a dull film"] * 10, [1, 0] * 10)
        >>> with TemporaryDirectory() as folder:
        ...     model.save(f"{folder}/model")
        ...     nlp = spacy.blank("en")
        ...     _ = nlp.add_pipe("mt2st_textcat").from_disk(f"{folder}/model")
        >>> nlp("so warm").cats["1"] > 0.5
        True
    """

    def __init__(self, name: str = NAME) -> None:
        self.name = name
        self._saved: ModelFolder | None = None
        self._model: Any = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes."""
        return () if self._model is None else tuple(str(each) for each in self._model.classes_)

    def __call__(self, doc: Doc) -> Doc:
        """Set the categories of a document."""
        return self._categorised([doc])[0]

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Set the categories of many documents, a batch at a time."""
        for batch in minibatch(stream, size=batch_size):  # type: ignore[no-untyped-call]
            yield from self._categorised(batch)

    def _categorised(self, docs: Sequence[Doc]) -> Sequence[Doc]:
        if self._model is None:
            raise InputError(f"the component '{self.name}' has no model: load one by from_disk('run/model')")
        probabilities, _ = self._model.predict_known([doc.text for doc in docs])
        for doc, row in zip(docs, probabilities.tolist(), strict=True):
            doc.cats |= zip(self.labels, row, strict=True)
        return docs

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> Self:  # noqa: ARG002  # spaCy's protocol
        """Take the model of a folder: of a model, of a run, or of this component in a saved pipeline.

        Raises:
            InputError: naming what is missing or broken, or it is a tagger's.
        """
        saved = ModelFolder.load(Path(path))
        model = to_predict(saved, path)
        if not hasattr(model, "predict_known") or saved.config["class_prior"] is None:
            raise InputError(f"{path} holds a model for {saved.problem_type}, which gives a text no categories")
        self._saved, self._model = saved, model
        return self

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:  # noqa: ARG002  # spaCy's protocol
        """Write the model's folder."""
        if self._saved is not None:
            self._saved.save(Path(path), overwrite=True)

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Return the files of the model's folder."""
        with TemporaryDirectory() as folder:
            self.to_disk(Path(folder, NAME), exclude=exclude)
            files = {name: path.read_bytes() for name in FILES if (path := Path(folder, NAME, name)).is_file()}
        return bytes(srsly.msgpack_dumps(files))

    def from_bytes(self, content: bytes, *, exclude: Iterable[str] = ()) -> Self:
        """Take the model that `to_bytes` gave."""
        files = srsly.msgpack_loads(content)
        with TemporaryDirectory() as folder:
            for name in FILES:
                if name in files:
                    Path(folder, name).write_bytes(files[name])
            return self.from_disk(folder, exclude=exclude) if files else self


@Language.factory(NAME, assigns=["doc.cats"])
def textcat(nlp: Language, name: str) -> TextCategorizer:  # noqa: ARG001  # spaCy's protocol
    """Return the component, without a model."""
    return TextCategorizer(name)
