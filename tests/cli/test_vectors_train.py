"""``mt2st vectors train``: given vectors, refusals before the corpus is read, memory, signals, repetition."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mt2st import WordVectors
from mt2st.cli import interruption
from mt2st.cli.main import main
from mt2st.embedding import load_vectors, memory, word_vectors


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.txt"
    path.write_text("the cat sat on the mat\nthe dog sat on the log\n" * 50, encoding="utf-8")
    return path


@pytest.fixture
def given(tmp_path: Path) -> Path:
    path = tmp_path / "given.bin"
    vectors = np.random.default_rng(0).normal(size=(4, 12)).astype(np.float32)
    WordVectors(["cat", "dog", "sat", "bird"], vectors).save(path)
    return path


def train(corpus: Path, *more: str) -> list[str]:
    return ["vectors", "train", str(corpus), "--output", str(corpus.with_name("out.bin")), "--epochs", "2", *more]


@pytest.mark.parametrize("method", ["skipgram", "glove"])
def test_training_goes_on_from_given_vectors_and_known_words_are_kept(
    corpus: Path, given: Path, method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(train(corpus, "--method", method, "--init", str(given), "--freeze", "known")) == 0
    said = capsys.readouterr()
    assert "8 vectors of 12 dimensions" in said.out
    before, after = WordVectors.load(given), WordVectors.load(corpus.with_name("out.bin"))
    assert after.index_to_key[-1] == "bird"
    np.testing.assert_array_equal(after[before.index_to_key], before.vectors)


def test_given_vectors_are_read_once_and_in_nobody_s_memory_while_the_training_runs(
    corpus: Path, given: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mt2st import embedding
    from mt2st.embedding import training

    read: list[weakref.ref[WordVectors]] = []
    held: list[bool] = []
    load, progress = embedding.load_vectors, training.VectorProgress

    def loading(path: str) -> WordVectors:
        vectors = load(path)
        read.append(weakref.ref(vectors))
        return vectors

    def watching(*figures: float) -> object:
        held.append(read[0]() is not None)
        return progress(*figures)  # type: ignore[arg-type]

    monkeypatch.setattr(embedding, "load_vectors", loading)
    monkeypatch.setattr(training, "load_vectors", loading)
    monkeypatch.setattr(training, "VectorProgress", watching)
    assert main(train(corpus, "--init", str(given))) == 0
    assert len(read) == 1
    assert held
    assert not any(held)


def test_a_file_names_the_frozen_words(corpus: Path, given: Path) -> None:
    words = corpus.with_name("words.txt")
    words.write_text("\ufeffcat\r\n\nbird\n", encoding="utf-8")
    assert main(train(corpus, "--init", str(given), "--freeze", str(words), "--sample", "0")) == 0
    before, after = WordVectors.load(given), WordVectors.load(corpus.with_name("out.bin"))
    np.testing.assert_array_equal(after[["cat", "bird"]], before[["cat", "bird"]])
    assert (after["dog"] != before["dog"]).any()


def test_a_folder_with_ngrams_is_gone_on_from(corpus: Path) -> None:
    first, second = corpus.with_name("first"), corpus.with_name("second")
    settings = ["--method", "cbow-fasttext", "--vector-size", "8", "--epochs", "1"]
    start = ["vectors", "train", str(corpus), *settings]
    assert main([*start, "--bucket", "50", "--output", str(first)]) == 0
    assert main([*start, "--init", str(first), "--freeze", "known", "--output", str(second)]) == 0
    from mt2st.embedding import load_vectors

    np.testing.assert_array_equal(load_vectors(second)["cats"], load_vectors(first)["cats"])


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["--dim", "10"], "there is no option --dim: --vector-size sets the dimensions of the embedding\n"),
        (["--lr", "1"], "there is no option --lr: --alpha sets the learning rate\n"),
        (["--method", "fasttext"], "Did you mean 'skipgram-fasttext'?"),
        (["--vector-size", "0"], "--vector-size should be greater than or equal to 1, found 0"),
        (["--vector-size", "100000000"], "--vector-size should be less than or equal to 1048576, found 100000000"),
        (["--window", "0"], "window should be greater than or equal to 1, found 0"),
        (["--negative", "0"], "negative should be greater than or equal to 1, found 0"),
        (["--min-count", "0"], "--min-count must be at least 1, found 0"),
        (["--sample", "1"], "sample should be less than 1, found 1.0"),
        (["--negative", "1000000000"], "negative should be less than or equal to 100, found 1000000000"),
        (["--ns-exponent", "nan"], "--ns-exponent should be"),
        (["--ns-exponent", "1000"], "--ns-exponent should be less than or equal to 5, found 1000.0"),
        (
            ["--method", "cbow-fasttext", "--max-n", "100000000"],
            "--max-n should be less than or equal to 1024, found 100000000",
        ),
        (["--alpha", "-1"], "--alpha should be greater than 0, found -1.0"),
        (["--min-alpha", "1"], "--min-alpha should be at most --alpha = 0.025, found 1.0"),
        (["--workers", "0"], "workers should be greater than"),
        (["--method", "cbow-fasttext", "--bucket", "0"], "bucket should be greater than"),
        (["--method", "glove", "--vector-size", "0"], "--vector-size should be greater than"),
        (["--method", "glove", "--window", "0"], "window should be greater than or equal to 1, found 0"),
        (["--method", "glove", "--x-max", "0"], "--x-max should be greater than"),
        (["--method", "glove", "--weight-exponent", "-1"], "--weight-exponent should be greater than"),
        (["--method", "glove", "--init", "GIVEN", "--vector-size", "5"], "given.bin: the given vectors have 12 dimens"),
        (["--method", "glove", "--memory", "0.0001"], "--memory should be at least 4 (MB) for a window of 10"),
        (["--freeze", "known"], "--freeze needs --init"),
        (["--init", "nowhere.vec"], "nowhere.vec"),
        (["--init", "GIVEN", "--vector-size", "5"], "given.bin: the given vectors have 12 dimensions"),
        (["--init", "GIVEN", "--freeze", "nowhere.txt"], "--freeze nowhere.txt: cannot be read"),
        (["--init", "GIVEN", "--freeze", "EMPTY"], "names no word"),
        (
            ["--init", "GIVEN", "--freeze", "WORDS"],
            "1 of the 2 frozen words have no given vector, 'catt' first. Did you",
        ),
        (["--init", "GIVEN", "--method", "cbow-fasttext"], "goes on only from vectors with n-grams"),
    ],
)
def test_wrong_settings_are_refused_before_the_corpus_is_read(
    given: Path, tmp_path: Path, more: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.txt").write_text("\n")
    (tmp_path / "words.txt").write_text("dog\ncatt\n")
    places = {"GIVEN": str(given), "EMPTY": str(tmp_path / "empty.txt"), "WORDS": str(tmp_path / "words.txt")}
    nowhere = tmp_path / "no corpus.txt"
    assert main(train(nowhere, *(places.get(word, word) for word in more))) == 2
    said = capsys.readouterr().err
    assert expected in said
    assert "no corpus.txt" not in said


def test_a_format_that_cannot_be_written_is_refused_before_the_corpus_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mt2st.cli.vectors.train.find_spec", lambda _: None)
    assert main(["vectors", "train", str(tmp_path / "no corpus.txt"), "--output", str(tmp_path / "out.kv")]) == 2
    assert "out.kv in gensim's format needs the extra 'gensim'" in capsys.readouterr().err


@pytest.mark.parametrize("pattern", ["corpus.txt", "corp*.txt"])
def test_a_corpus_is_not_replaced_by_its_vectors(
    corpus: Path, pattern: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = corpus.read_bytes()
    source = str(corpus.with_name(pattern))
    assert main(["vectors", "train", source, "--output", str(corpus), "--to", "word2vec", "--overwrite"]) == 2
    assert f"{corpus} would be read and written at once" in capsys.readouterr().err
    assert corpus.read_bytes() == before


@pytest.mark.parametrize("method", ["skipgram", "cbow", "skipgram-fasttext", "glove"])
@pytest.mark.parametrize(
    ("text", "more", "expected"),
    [
        ("", [], "is empty"),
        ("\n \n", [], "corpus.txt: the vocabulary is empty: the text has no tokens"),
        ("film\n", [], "corpus.txt: the corpus has a single word of the vocabulary, 'film' (1x)"),
        ("film film film\n", [], "corpus.txt: the corpus has a single word of the vocabulary, 'film' (3x)"),
        ("film\nfood\n" * 5, ["--min-count", "2"], "corpus.txt: "),
        ("a film of wit\n", ["--min-count", "2"], "corpus.txt: the vocabulary is empty: none of the 4 distinct tokens"),
    ],
)
def test_a_corpus_without_context_is_named_and_leaves_nothing(
    tmp_path: Path, method: str, text: str, more: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = tmp_path / "corpus.txt"
    corpus.write_text(text)
    assert main(train(corpus, "--method", method, "--min-count", "1", *more)) == 2
    assert expected in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["corpus.txt"]


@pytest.mark.parametrize("method", ["skipgram", "cbow-fasttext", "glove"])
def test_memory_is_told_and_a_run_that_does_not_fit_is_refused(
    corpus: Path, method: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(train(corpus, "--method", method)) == 0
    assert re.search(r"memory: at most [\d,]+ MB .*and the program itself", capsys.readouterr().err)
    corpus.with_name("out.bin").unlink()
    monkeypatch.setattr(memory, "available_memory", lambda: 60 << 20)
    assert main(train(corpus, "--method", method, "--vector-size", "1000000")) == 2
    said = capsys.readouterr().err
    assert re.search(r"corpus.txt: training 9 vectors of 1,000,000 dimensions takes [\d,]+ MB .* 60 MB are avail", said)
    assert not corpus.with_name("out.bin").exists()


def test_away_from_a_terminal_the_end_alone_is_told(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(train(corpus)) == 0
    said = capsys.readouterr().err
    assert "\r" not in said
    assert len(said.splitlines()) == 4  # the corpus, the memory, the kernels, the summary
    assert re.search(r"kernels: compiled, or loaded from an earlier time, in \d+\.\d s", said)
    assert re.search(r"1,200 words \(\d+ effective\) in \d+ s, [\d,]+ words/s \([\d,]+ effective\), mean loss \d", said)


def test_in_a_terminal_a_line_is_redrawn(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    assert main(train(corpus)) == 0
    lines = capsys.readouterr().err.split("\r")
    assert any("reading: 100 documents, 0.0 million characters" in line for line in lines)
    assert any("compiling the kernels" in line for line in lines)
    drawn = [line for line in lines if "words/s" in line]
    assert re.search(r" 50% \|.{10}\| training: [\d,]+ words/s .* loss \d\.\d{4} \d+ s left", drawn[0])


LONG = ["--epochs", "10000", "--vector-size", "8", "--sample", "0"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("method", ["skipgram", "glove"])
def test_a_signal_keeps_what_is_trained_and_says_how_far_it_is(
    corpus: Path, method: str, number: signal.Signals, code: int
) -> None:
    out = corpus.with_name("out.vec")
    arguments = ["vectors", "train", str(corpus), "--output", str(out), *LONG, "--method", method]
    # The signal comes once the training is under way, and in the middle of what cannot carry an exception out.
    code_of = """
import os, signal, sys
from mt2st.cli import terminal
from mt2st.cli.main import main
seen = 0
def show(self, part, text):
    global seen
    seen += "loss" in text
    if seen == 5:
        try:
            os.kill(os.getpid(), int(sys.argv[1]))
            for _ in range(1000): pass
        except KeyboardInterrupt:
            pass  # lost, as in a callback from C
terminal.Bar.show = show
raise SystemExit(main(sys.argv[2:]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code_of, str(int(number)), *arguments], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == code, done.stderr
    assert re.search(
        r"interrupted after [\d,]+ of [\d,]+ .*\(0%\): the vectors as far as they were trained", done.stderr
    )
    assert len(WordVectors.load(out)) == 7


@pytest.mark.parametrize("moment", ["made", "saved"])
@pytest.mark.parametrize("method", ["cbow-fasttext", "glove"])
def test_a_signal_after_the_last_step_cuts_off_neither_the_result_nor_its_file(
    corpus: Path, method: str, moment: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place, name = {"made": (word_vectors, "first_row_not_finite"), "saved": (WordVectors, "save")}[moment]
    do = getattr(place, name)

    def struck(*given: object, **more: object) -> object:
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass  # where the signal's handler runs
        return do(*given, **more)

    monkeypatch.setattr(place, name, struck)
    monkeypatch.setattr(interruption, "REPEAT_SECONDS", 1000.0)  # what is made in several pieces strikes once
    assert main(train(corpus, "--method", method)) == 130
    monkeypatch.undo()
    assert "the signal came after the training: its vectors are complete" in capsys.readouterr().err
    assert len(WordVectors.load(corpus.with_name("out.bin"))) == 7


def test_a_second_signal_during_the_save_ends_it_and_leaves_nothing(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def struck_twice(*given: object, **more: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(1000):
            pass
        said = capsys.readouterr().err
        assert "saving the vectors first; once more ends the program without them" in said
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(1000):
            pass
        raise AssertionError("the second signal was lost")

    monkeypatch.setattr(WordVectors, "save", struck_twice)
    monkeypatch.setattr(interruption, "REPEAT_SECONDS", 0.0)
    assert main(train(corpus)) == 143
    assert not corpus.with_name("out.bin").exists()


@pytest.mark.parametrize("method", ["skipgram", "cbow", "skipgram-fasttext", "cbow-fasttext", "glove"])
def test_a_training_that_diverges_says_what_to_do_and_leaves_nothing(
    corpus: Path, method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(train(corpus, "--method", method, "--alpha", "1000", "--sample", "0")) == 2
    assert re.search(r"has diverged.* lower the learning rate, found 1000.0", capsys.readouterr().err)
    assert [path.name for path in corpus.parent.iterdir()] == ["corpus.txt"]


FASTTEXT = ["--method", "cbow-fasttext", "--bucket", "50", "--vector-size", "8"]


def train_to(corpus: Path, name: str, *more: str) -> int:
    return main(["vectors", "train", str(corpus), "--output", str(corpus.parent / name), "--epochs", "1", *more])


@pytest.mark.parametrize("name", ["v", "v.1", "model.v2"])
def test_ngrams_are_kept_where_the_name_is_of_no_file_format(
    corpus: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train_to(corpus, name, *FASTTEXT) == 0
    assert "catty" not in load_vectors(corpus.with_name(name))
    assert load_vectors(corpus.with_name(name))["catty"].shape == (8,)
    assert "holds no n-grams" not in capsys.readouterr().err


def test_dropped_ngrams_are_told(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train_to(corpus, "v.vec", *FASTTEXT) == 0
    assert "the format word2vec holds no n-grams: words that" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("to", "name", "file"),
    [
        ("safetensors", "v", "vectors.safetensors"),
        ("static-embedding", "v.1", "tokenizer.json"),
        ("ngrams", "v", "subwords.json"),
    ],
)
def test_folders_are_an_output_by_name_of_the_format(corpus: Path, to: str, name: str, file: str) -> None:
    assert train_to(corpus, name, "--to", to, *FASTTEXT) == 0
    assert (corpus.with_name(name) / file).is_file()
    assert len(load_vectors(corpus.with_name(name))) == 7


@pytest.mark.parametrize(
    ("name", "more", "expected"),
    [
        ("v.safetensors", [], "no vectors are written to a file of the kind .safetensors"),
        ("v.npy", ["--to", "word2vec"], "no vectors are written to a file of the kind .npy"),
        ("v.bin", ["--to", "word2vec"], "its name tells the format 'word2vec-binary', and 'word2vec' was asked for"),
        ("v.gz", ["--to", "static-embedding"], "'static-embedding' is a folder, which is not packed"),
        ("v", ["--to", "ngrams"], "--to ngrams cannot be given with --method skipgram"),
        ("v", ["--to", "fasttext"], "--to fasttext: vectors are not written in this format"),
        ("v", ["--to", "glov"], "unknown format 'glov' of word vectors. Did you mean 'glove'?"),
        ("no/such/v", FASTTEXT, "there is no folder"),
        ("no/such/v", ["--to", "safetensors"], "there is no folder"),
        ("no/such/v.vec", [], "there is no folder"),
    ],
)
def test_a_misleading_or_impossible_output_is_refused_before_the_corpus_is_read(
    tmp_path: Path, name: str, more: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train_to(tmp_path / "no corpus.txt", name, *more) == 2
    assert expected in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_given_vectors_of_other_words_are_named(
    tmp_path: Path, given: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("der Hund und die Katze\n" * 50)
    assert main(train(corpus, "--init", str(given))) == 2
    assert re.search(
        r"--init .*given.bin, corpus .*corpus.txt: none of the 4 words of the given vectors is among the 5",
        capsys.readouterr().err,
    )


def test_a_signal_before_the_training_leaves_nothing(tmp_path: Path) -> None:
    arguments = ["vectors", "train", "-", "--output", str(tmp_path / "out.vec")]  # a corpus that never comes
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "mt2st", *arguments]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, env=environment, **pipes) as going:
        assert going.stdin is not None
        assert going.stderr is not None
        going.stdin.write("the cat\n" * 1000)
        going.stdin.flush()
        while not any(tmp_path.glob("mt2st_stdin_*")):
            time.sleep(0.05)
        going.send_signal(signal.SIGTERM)
        assert going.wait(30) == 143
        assert "ended by signal 15" in going.stderr.read()
    assert not any(tmp_path.iterdir())


def test_one_worker_repeats_to_the_bit_under_any_hash_seed(corpus: Path, given: Path) -> None:
    words = corpus.with_name("words.txt")
    words.write_text("cat\ndog\n")
    code = f"""
from mt2st.cli.main import main
base = ["vectors", "train", {str(corpus)!r}, "--overwrite", "--seed", "7", "--sample", "0", "--epochs", "2"]
for number, more in enumerate([
    ["--method", "skipgram"], ["--method", "cbow"], ["--method", "skipgram-fasttext"], ["--method", "cbow-fasttext"],
    ["--method", "skipgram", "--init", {str(given)!r}, "--freeze", {str(words)!r}],
]):
    assert main([*base, *more, "--output", {str(corpus.parent)!r} + f"/out{{number}}.bin"]) == 0
base = ["vectors", "train", {str(corpus)!r}, "--overwrite", "--seed", "7", "--epochs", "2", "--method", "glove"]
assert main([*base, "--output", {str(corpus.parent)!r} + "/out5.bin"]) == 0
"""

    def trained(hash_seed: str) -> list[str]:
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=environment)
        paths = sorted(corpus.parent.glob("out*.bin"))
        assert len(paths) == 6
        return [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]

    assert trained("0") == trained("4242")


@pytest.mark.parametrize("method", ["cbow-fasttext", "glove"])
def test_what_is_killed_goes_on_to_the_same_file(
    method: str, corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = corpus.read_text(encoding="utf-8")
    corpus.write_text(text * 40, encoding="utf-8")
    option = "--x-max" if method == "glove" else "--bucket"
    arguments = train(corpus, "--method", method, "--epochs", "60", option, "500")
    whole = tmp_path / "whole.bin"
    assert main([*arguments, "--output", str(whole)]) == 0
    code = (
        "import sys; from mt2st import _checkpoint; _checkpoint.CHECKPOINT_SHARE = 1e9\n"  # at each epoch
        "from mt2st.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    state = tmp_path / "out.bin.checkpoint" / "state"
    with subprocess.Popen([sys.executable, "-c", code, *arguments]) as process:
        while process.poll() is None and not state.is_dir():
            time.sleep(0.01)
        assert main(arguments) == 2  # while the other one runs
        assert "another process writes into" in capsys.readouterr().err
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert main(arguments) == 2
    assert "holds an interrupted training: go on with it by --resume" in capsys.readouterr().err
    assert main([*arguments, "--resume", "--seed", "2"]) == 2
    assert "settings.seed was 1 there and is 2 now" in capsys.readouterr().err
    assert main([*arguments, "--resume"]) == 0
    assert (tmp_path / "out.bin").read_bytes() == whole.read_bytes()
    assert not state.parent.exists()
    assert main([*arguments, "--resume", "--overwrite"]) == 2
    assert "there is no interrupted training" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["a" * 250, "a" * 300, "\udcff"])
def test_a_name_that_cannot_be_is_refused_before_the_corpus_is_read(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["vectors", "train", "missing.txt", "--output", str(tmp_path / f"{name}.vec")]) == 2
    message = capsys.readouterr().err
    assert message.startswith(("mt2st: --output", "mt2st: --checkpoint"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("to", ["word2vec", "word2vec-binary", "glove", "keyedvectors", "safetensors", "ngrams"])
def test_vectors_that_the_disk_refuses_go_elsewhere(
    to: str, corpus: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from mt2st.cli.vectors import train as command

    if to == "keyedvectors":
        pytest.importorskip("gensim")
    save = command._save

    def save_on_a_full_disk(vectors: WordVectors, output: Path, *rest: object) -> Path:
        if output.parent == small_disk:
            with suppress(OSError), (small_disk / "full").open("wb", buffering=0) as file:
                while file.write(b"x" * 4096) == 4096:
                    pass
        return save(vectors, output, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(command, "_save", save_on_a_full_disk)
    monkeypatch.setattr("mt2st._files.check_space", lambda *_: None)
    method = ["--method", "skipgram-fasttext", "--bucket", "10"] if to == "ngrams" else []
    output = ["--output", str(small_disk / "out"), "--to", to, *method]
    assert main(["vectors", "train", str(corpus), *output]) == 2
    error = capsys.readouterr().err
    assert f"cannot write {small_disk / 'out'}: No space left on device" in error
    assert "Traceback" not in error
    (small_disk / "full").unlink()
    elsewhere = corpus.parent / "elsewhere"
    elsewhere.mkdir()
    assert main(["vectors", "train", str(corpus), *output, "--fallback", str(elsewhere), "--overwrite"]) == 0
    assert len(load_vectors(elsewhere / "out")) == 7


def test_a_second_place_that_is_taken_is_refused_before_the_corpus_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out.vec").write_text("mine", encoding="utf-8")
    (tmp_path / "to").mkdir()
    output = ["--output", str(tmp_path / "to" / "out.vec"), "--fallback", str(tmp_path)]
    assert main(["vectors", "train", "missing.txt", *output]) == 2
    assert f"{tmp_path / 'out.vec'} exists already" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["--output", "--fallback"])
def test_a_text_of_a_folder_of_classes_is_not_replaced(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "news" / "sport" / "one.txt"
    text.parent.mkdir(parents=True)
    text.write_text("a goal", encoding="utf-8")
    output = {"--output": [str(text)], "--fallback": [str(tmp_path / "one.txt"), "--fallback", str(text.parent)]}[place]
    assert main(["vectors", "train", str(tmp_path / "news"), "--output", *output, "--overwrite"]) == 2
    assert "would be read and written at once" in capsys.readouterr().err
    assert text.read_text(encoding="utf-8") == "a goal"


def test_a_disk_that_has_no_room_is_no_fault_of_the_corpus(
    corpus: Path, small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    size = ["--vector-size", "100000", "--min-count", "1"]
    assert main(["vectors", "train", str(corpus), "--output", str(small_disk / "v.vec"), *size]) == 2
    assert f"mt2st: cannot write {small_disk}" in capsys.readouterr().err


def test_a_signal_in_the_midst_of_an_exec_ends_with_its_own_exit_code(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        "import signal, sys\nfrom mt2st.cli.interruption import Interrupted, stopped_by_signals\n"
        "from mt2st.cli.main import _terminate\nsignal.signal(signal.SIGTERM, _terminate)\n"
        "try:\n    with stopped_by_signals(lambda: False):\n"
        "        exec('import os, time; os.kill(os.getpid(), 15); time.sleep(5)')\n"
        "except Interrupted as end:\n    sys.exit(128 + end.signal)",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "program"]  # as a module: a script's exit code is its own
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 143
