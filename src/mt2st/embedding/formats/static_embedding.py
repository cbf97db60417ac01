"""The folder of a static embedding, which model2vec and sentence-transformers load.

It holds ``model.safetensors`` with the vectors, ``tokenizer.json`` with the words, and two small files by which
``model2vec.StaticModel.from_pretrained`` and ``sentence_transformers.SentenceTransformer`` know it. A text's vector is
the mean of its words' vectors. Both take words that have no vector for ``[UNK]``, whose vector is zero: model2vec
leaves them out of the mean, sentence-transformers counts them, which makes the vector shorter and keeps its direction.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from mt2st._files import complete_folder
from mt2st.embedding.formats.files import Source, check_replaceable
from mt2st.embedding.formats.safetensors import MatrixWriter, Tensor, matrix_of, tensors_of
from mt2st.embedding.formats.stream import Block, VectorStream, checked, rows_per_block
from mt2st.errors import InputError

VECTORS, TOKENIZER, CONFIG, MODULES = "model.safetensors", "tokenizer.json", "config.json", "modules.json"
NESTED = "0_StaticEmbedding"
"""Where newer versions of sentence-transformers put the two large files."""
_MODEL2VEC_TENSOR, _SENTENCE_TRANSFORMERS_TENSOR = "embeddings", "embedding.weight"
_UNKNOWN = "[UNK]"

_WORD = r"[\p{L}\p{N}][\p{L}\p{N}\p{M}]*"
TOKEN = rf"{_WORD}(?:'{_WORD}|(?<=\p{{N}})[.,](?=\p{{N}}){_WORD})*|[^\s\p{{C}}]\p{{M}}*"
"""What `mt2st.text.Tokeniser` takes for a token, as the tokenizers library writes it: words with their inner
apostrophes, numbers with their points, every other character by itself."""


def read_static_embedding(folder: Path) -> VectorStream:
    """Open a folder of model2vec (with a reduced vocabulary too) or of sentence-transformers.

    Its words are the tokenizer's tokens, without the one for unknown words if its vector is zero.
    """
    home = folder if (folder / VECTORS).exists() else folder / NESTED
    path, tokenizer = home / VECTORS, home / TOKENIZER
    tensors, matrix = tensors_of(path), matrix_of(path, _MODEL2VEC_TENSOR, _SENTENCE_TRANSFORMERS_TENSOR)
    mapping, factors = _column(tensors.get("mapping"), "i"), _column(tensors.get("weights"), "f")
    if mapping is not None and len(mapping) and not 0 <= mapping.min() <= mapping.max() < matrix.shape[0]:
        raise InputError(f"{path}: 'mapping' must name rows of the {matrix.shape[0]:,} vectors; found others")
    n_rows = matrix.shape[0] if mapping is None else len(mapping)
    if factors is not None and len(factors) != n_rows:
        raise InputError(f"{path}: 'weights' must have a value for each of the {n_rows:,} tokens; has {len(factors):,}")
    tokens, unknown = _tokens(tokenizer)
    if len(tokens) != n_rows:
        raise InputError(f"{tokenizer}: has {len(tokens):,} tokens, but {path} has {n_rows:,} vectors")
    left_out = None
    if unknown is not None:
        row = unknown if mapping is None else int(mapping[unknown])
        left_out = None if next(matrix.blocks(row, row + 1)).any() else unknown

    def rows_of_tokens() -> Iterator[NDArray[np.float32]]:
        if mapping is None:
            yield from matrix.blocks()
            return
        step = rows_per_block(matrix.shape[1])
        # A mapping is there because the table was made small: it is read whole.
        table = np.concatenate([*matrix.blocks(), np.empty((0, matrix.shape[1]), np.float32)])
        for start in range(0, len(mapping), step):
            yield table[mapping[start : start + step]]

    def blocks() -> Iterator[Block]:
        start = 0
        for rows in rows_of_tokens():
            stop = start + len(rows)
            words = tokens[start:stop]
            if factors is not None:
                with np.errstate(over="ignore", invalid="ignore"):  # reported as not finite
                    rows = rows * factors[start:stop, None].astype(np.float32)
            if left_out is not None and start <= left_out < stop:
                del words[left_out - start]
                rows = np.delete(rows, left_out - start, axis=0)
            if words:
                yield words, rows
            start = stop

    def place(row: int) -> str:
        return f"{tokenizer}, token {row + (left_out is not None and row >= left_out)}"

    return checked(VectorStream(matrix.shape[1], n_rows - (left_out is not None), blocks, place))


def _column(tensor: Tensor | None, kind: str) -> NDArray[Any] | None:
    if tensor is None:
        return None
    values = tensor.values() if len(tensor.shape) == 1 else None
    if values is None or values.dtype.kind != kind:
        raise InputError(
            f"{tensor.path}: '{tensor.name}' must be a row of {'whole ' if kind == 'i' else ''}numbers; "
            f"found {tensor.kind} {list(tensor.shape)}"
        )
    return values


def _tokens(path: Path) -> tuple[list[str], int | None]:
    """Return the tokens of a tokenizer file in the order of their ids, and the id of that for unknown words."""
    with Source(path) as source:
        raw = source.read(source.size or 0)
    try:
        tokenizer = json.loads(raw)
        model = tokenizer["model"]
        vocabulary = model["vocab"]
        if isinstance(vocabulary, list):  # Unigram: pairs of token and score
            ids = {token: number for number, (token, _) in enumerate(vocabulary)}
            unknown = model.get("unk_id")
        else:
            ids = dict(vocabulary)
            unknown = ids.get(model.get("unk_token"))
        ids |= {entry["content"]: entry["id"] for entry in tokenizer.get("added_tokens") or ()}
        tokens = sorted(ids, key=ids.__getitem__)
        if not all(
            type(token) is str and type(ids[token]) is int and ids[token] == number
            for number, token in enumerate(tokens)
        ):
            raise ValueError(f"the tokens' ids do not run from 0 to {len(tokens) - 1}")  # noqa: TRY301
        if unknown is not None and not (type(unknown) is int and 0 <= unknown < len(tokens)):
            raise ValueError(f"the unknown token has the id {unknown!r}")  # noqa: TRY301
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{path} is no tokenizer of the tokenizers library: {error or type(error).__name__}"
        ) from error
    return tokens, unknown


def write_static_embedding(stream: VectorStream, path: Path, *, overwrite: bool = False) -> int:
    """Write a folder that model2vec and sentence-transformers load; return the number of words.

    They will cut text into words as `mt2st.text.Tokeniser` does, and lower it if no word of the vectors has a capital
    letter. Words that the tokeniser would cut are kept, but text never reaches them.
    """
    check_replaceable(path, (VECTORS, TOKENIZER), overwrite=overwrite)
    with (
        complete_folder(path) as partial,
        (partial / VECTORS).open("wb") as values,
        (partial / TOKENIZER).open("w", encoding="utf-8") as tokenizer,
    ):
        matrix = MatrixWriter(values, _MODEL2VEC_TENSOR, stream.size)
        count = _write_tokenizer(stream, tokenizer, matrix)
        matrix.add(np.zeros((1, stream.size), dtype=np.float32))  # of the unknown token
        matrix.finish()
        _write_json(partial / CONFIG, {"model_type": "model2vec", "architectures": ["StaticModel"], "normalize": False,
                                       "hidden_dim": stream.size, "embedding_dtype": "float32"})  # fmt: skip
        _write_json(partial / MODULES, [{"idx": 0, "name": "0", "path": ".",
                                         "type": "sentence_transformers.models.StaticEmbedding"}])  # fmt: skip
    return count


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def _write_tokenizer(stream: VectorStream, file: IO[str], matrix: MatrixWriter) -> int:
    count, cased = 0, False
    taken: set[str] = set()
    file.write('{"version":"1.0","truncation":null,"padding":null,"model":{"type":"WordLevel","vocab":{')
    for words, vectors in stream.blocks():
        for index, word in enumerate(words, count):
            if not word:
                raise InputError(f"a static embedding cannot hold an empty word (at {index}); nothing was written")
            cased = cased or word != word.lower()
            if word.startswith(_UNKNOWN):
                taken.add(word)
        file.write("".join([f"{json.dumps(word)}:{index}," for index, word in enumerate(words, count)]))
        matrix.add(vectors)
        count += len(words)
    unknown = next(name for number in itertools.count() if (name := _UNKNOWN + "*" * number) not in taken)
    file.write(f'{json.dumps(unknown)}:{count}}},"unk_token":{json.dumps(unknown)}}}')
    normalizers: list[dict[str, Any]] = [] if cased else [{"type": "Lowercase"}]
    normalizers += [{"type": "NFC"}, {"type": "Replace", "pattern": {"String": "\u2019"}, "content": "'"}]
    rest: dict[str, Any] = {
        "added_tokens": [],
        "normalizer": {"type": "Sequence", "normalizers": normalizers},
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": TOKEN}, "behavior": "Removed", "invert": True},
        "post_processor": None,
        "decoder": None,
    }
    file.write("," + json.dumps(rest)[1:] + "\n")
    return count
