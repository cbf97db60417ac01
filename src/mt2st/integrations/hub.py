"""The estimators with the Hugging Face Hub's methods (extra ``hf``).

`TextClassifier`, `MultiLabelClassifier` and `Tagger` here are those of `mt2st` with `huggingface_hub.ModelHubMixin`:
``save_pretrained``, ``from_pretrained``, ``push_to_hub``. Nothing contacts the Hub but the last two, with the name of
a repository. To predict without torch, ``mt2st.load(huggingface_hub.snapshot_download("owner/name"))``.
"""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any, Self

import mt2st.models
from mt2st.errors import InputError, MissingExtraError
from mt2st.models.folder import CARD, FILES
from mt2st.strategy import Strategy

try:
    from huggingface_hub import ModelCard, ModelHubMixin, snapshot_download
except ModuleNotFoundError as error:
    raise MissingExtraError("a model on the Hugging Face Hub", "hf") from error


class OnHub(ModelHubMixin):
    """What the Hub's mixin asks of a model. The mixin explains the arguments that are not explained here."""

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | PathLike[str], **options: Any) -> Self:
        """Load a model from a folder, or from the Hub by the name of its repository.

        Args:
            pretrained_model_name_or_path: a model folder or ``owner/name``.
            options: ``revision``, ``token``, ``cache_dir``, ``local_files_only``, ``force_download``, and
                ``strategies``, which `load` explains.

        Raises:
            InputError: there is no such folder, and the Hub has or gives no such model; or what `load` raises.
        """
        source = str(pretrained_model_name_or_path)
        try:
            return super().from_pretrained(source, **options)
        except InputError:
            raise
        except (OSError, ValueError) as error:  # no network, no such repository, no name of one
            reason = " ".join(str(error).split())
            raise InputError(
                f"there is no folder {source}, and no model of that name could be loaded from the Hugging Face Hub: "
                f"{reason}. Where there is no network, run 'hf download {source} --local-dir FOLDER' on a machine "
                "that has one, and give the folder"
            ) from error

    def push_to_hub(self, repo_id: str, *, model_card_kwargs: dict[str, Any] | None = None, **options: Any) -> str:
        """Upload the model folder to a repository of the Hub, which is made if needed.

        Args:
            repo_id: ``owner/name``.
            model_card_kwargs: metadata of the card that mt2st cannot know: ``license``, ``language``, ``datasets``, ...
            options: ``private``, ``token``, ``branch``, ``commit_message``, ``create_pr``, ...

        Returns:
            The address of the commit.
        """
        known = {"repository": repo_id, **(model_card_kwargs or {})}
        return super().push_to_hub(repo_id, model_card_kwargs=known, **options)

    def generate_model_card(self, *, repository: str = "", **metadata: Any) -> ModelCard:
        """Return the card that `save` writes, with further metadata: ``license``, ``language``, ``datasets``, ..."""
        card = ModelCard(self.card(repository))  # type: ignore[attr-defined]
        for name, value in metadata.items():
            card.data[name] = value
        return card

    def _save_pretrained(self, save_directory: Path) -> None:
        for name in FILES:  # the mixin has removed one of them, and to `save` it is no model folder any more
            (save_directory / name).unlink(missing_ok=True)
        self.save(save_directory)  # type: ignore[attr-defined]
        (save_directory / CARD).unlink()  # the mixin writes that of `generate_model_card`

    @classmethod
    def _from_pretrained(cls, *, model_id: str, strategies: Iterable[type[Strategy]] = (), **options: Any) -> Self:
        known = ("revision", "cache_dir", "force_download", "local_files_only", "token")  # others are of config.json
        if not Path(model_id).is_dir():
            wanted = {name: options[name] for name in known}
            model_id = snapshot_download(model_id, allow_patterns=list(FILES), **wanted)
        return cls.load(model_id, strategies=strategies)  # type: ignore[attr-defined, no-any-return]


class TextClassifier(OnHub, mt2st.models.TextClassifier):
    """`mt2st.TextClassifier` with ``from_pretrained``, ``save_pretrained`` and ``push_to_hub``."""


class MultiLabelClassifier(OnHub, mt2st.models.MultiLabelClassifier):
    """`mt2st.MultiLabelClassifier` with ``from_pretrained``, ``save_pretrained`` and ``push_to_hub``."""


class Tagger(OnHub, mt2st.models.Tagger):
    """`mt2st.Tagger` with ``from_pretrained``, ``save_pretrained`` and ``push_to_hub``."""
