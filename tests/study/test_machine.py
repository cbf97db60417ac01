from __future__ import annotations

from pathlib import Path

from mt2st import __version__
from mt2st.study.result import _source_hash, versions


def test_versions_tell_apart_what_is_between_two_releases(tmp_path: Path) -> None:
    found = versions()
    assert found["mt2st"] == __version__
    assert found["mt2st source"] == _source_hash()

    def hash_of(**files: str) -> str:
        package = tmp_path / "-".join([*files, *files.values()])
        package.mkdir()
        for name, source in files.items():
            (package / f"{name}.py").write_text(source, encoding="utf-8")
        (package / "data.csv").write_text(str(tmp_path), encoding="utf-8")
        return _source_hash(package)

    assert len({hash_of(a="1"), hash_of(a="2"), hash_of(b="1"), hash_of(a="1", b="2"), hash_of(a="2", b="1")}) == 5


def test_the_same_source_elsewhere_is_the_same(tmp_path: Path) -> None:
    for place in ("here", "there"):
        (tmp_path / place / "part").mkdir(parents=True)
        (tmp_path / place / "part" / "a.py").write_text("a = 1", encoding="utf-8")
    assert _source_hash(tmp_path / "here") == _source_hash(tmp_path / "there")
