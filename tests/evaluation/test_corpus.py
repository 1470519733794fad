"""A corpus is found as it lies there: folders and archives at any depth, with or without a manifest."""

from __future__ import annotations

import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest

from attribution.errors import BundleError
from attribution.evaluation.corpus import find_bundles, read_corpora, read_manifest
from attribution.model.verdict import Party

LABEL = "schema: 1\nparty: neither\nclause: null\ncauses: []\n"
HEADER = "folder,scenario,topology,seed,profile,clock_error,clock_told,party\n"


def bundle(folder: Path, label: str | None = LABEL) -> Path:
    folder.mkdir(parents=True)
    (folder / "incident.yaml").write_text("schema: 1\n")
    (folder / "extra.tar").write_bytes(b"evidence, not a bundle")
    if label is not None:
        (folder / "truth.yaml").write_text(label)
    return folder


def folders(*roots: Path) -> list[str]:
    return [labelled.case.folder for labelled in read_corpora(roots).labelled]


def test_bundles_are_found_at_any_depth_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b", "a/deep/er", "c"):
        bundle(tmp_path / name)

    assert folders(tmp_path) == ["a/deep/er", "b", "c"]


def test_nothing_is_looked_for_inside_a_bundle(tmp_path: Path) -> None:
    bundle(bundle(tmp_path / "outer") / "inner")

    assert list(find_bundles(tmp_path)) == [tmp_path / "outer"]


def test_a_corpus_may_be_one_bundle(tmp_path: Path) -> None:
    assert folders(bundle(tmp_path / "one")) == ["one"]


@pytest.mark.parametrize("suffix", [".tar.gz", ".zip", ".tar"])
@pytest.mark.parametrize("inner", ["", "incident-7/"])
def test_archives_are_bundles_and_their_label_is_read(tmp_path: Path, suffix: str, inner: str) -> None:
    source = bundle(tmp_path / "source")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    archive = corpus / f"a7{suffix}"
    if suffix == ".zip":
        with zipfile.ZipFile(archive, "w") as packed:
            for file in source.iterdir():
                packed.write(file, inner + file.name)
    else:
        with tarfile.open(archive, "w:gz" if suffix == ".tar.gz" else "w") as packed_tar:
            for file in source.iterdir():
                packed_tar.add(file, inner + file.name)
    found = read_corpora((corpus,)).labelled

    assert [(labelled.case.folder, labelled.case.scenario) for labelled in found] == [(f"a7{suffix}", "a7")]
    assert found[0].truth.party is Party.NEITHER


def test_the_manifest_says_how_a_bundle_was_made(tmp_path: Path) -> None:
    for name in ("00-x", "01-x", "02-x", "03-x"):
        bundle(tmp_path / name)
    (tmp_path / "manifest.csv").write_text(
        HEADER
        + "00-x,edge-crash,ring,7,all,,False,customer\n"
        + "01-x,edge-crash,ring,8,no-logs,customer=12.5,True,customer\n"
        + "02-x,edge-crash,ring,9,all,provider=-3.0,False,customer\n"
    )
    cases = [labelled.case for labelled in read_corpora((tmp_path,)).labelled]

    assert [(case.scenario, case.topology, case.profile, case.clock, case.seed) for case in cases] == [
        ("edge-crash", "ring", "all", "right", "7"),
        ("edge-crash", "ring", "no-logs", "off, told", "8"),
        ("edge-crash", "ring", "all", "off, untold", "9"),
        ("03-x", "-", "-", "-", "-"),
    ]


def test_a_manifest_that_names_what_is_not_there_is_remarked_on(tmp_path: Path) -> None:
    bundle(tmp_path / "here")
    (tmp_path / "manifest.csv").write_text("folder,scenario\ngone,crash\nhere,crash\n")
    corpus = read_corpora((tmp_path,))

    assert corpus.missing == (str(tmp_path / "gone"),)
    assert corpus.labelled[0].case.scenario == "crash"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scenario\ncrash\n", "manifest.csv:1: found no column 'folder'"),
        ("folder,scenario\na\n", "manifest.csv:2: found 1 cells; expected 2"),
        ("folder\na\n\na/\n", "manifest.csv:4: found 'a' twice"),
        ("", "found no column 'folder'"),
    ],
)
def test_a_broken_manifest_is_said_with_its_line(text: str, message: str) -> None:
    with pytest.raises(BundleError) as caught:
        list(read_manifest(text, "manifest.csv"))
    assert message in str(caught.value)


def test_several_corpora_keep_their_order_and_their_names_apart(tmp_path: Path) -> None:
    for root in ("second", "first", "other/first"):
        bundle(tmp_path / root / "a")

    assert folders(tmp_path / "second", tmp_path / "first") == ["second/a", "first/a"]
    assert folders(tmp_path / "first", tmp_path / "other/first") == [
        f"{tmp_path}/first/a",
        f"{tmp_path}/other/first/a",
    ]


def test_a_manifest_counts_for_its_own_corpus_among_several_below_one_root(tmp_path: Path) -> None:
    bundle(tmp_path / "lab" / "a")
    (tmp_path / "lab" / "manifest.csv").write_text("folder,scenario\na,crash\n")

    assert read_corpora((tmp_path,)).labelled[0].case.scenario == "crash"


def test_bundles_without_a_label_are_counted_and_left_out(tmp_path: Path) -> None:
    bundle(tmp_path / "labelled")
    bundle(tmp_path / "plain", label=None)
    corpus = read_corpora((tmp_path,))

    assert (len(corpus.labelled), corpus.unlabelled) == (1, 1)


def test_a_label_that_cannot_be_read_breaks_its_bundle_alone(tmp_path: Path) -> None:
    bundle(tmp_path / "good")
    bundle(tmp_path / "bad", label=LABEL.replace("neither", "nobody"))
    (tmp_path / "worse.zip").write_bytes(b"no archive")
    corpus = read_corpora((tmp_path,))

    assert [labelled.case.folder for labelled in corpus.labelled] == ["good"]
    assert [broken.case.folder for broken in corpus.broken] == ["bad", "worse.zip"]
    assert "truth.yaml:2: party" in corpus.broken[0].reason


def test_a_label_of_megabytes_is_refused(tmp_path: Path) -> None:
    bundle(tmp_path / "large", label=LABEL + "#" * (1 << 20))

    assert "found over 1048576 octets" in read_corpora((tmp_path,)).broken[0].reason


def test_links_to_bundles_are_followed_and_loops_are_not(tmp_path: Path) -> None:
    """A chosen part of a corpus may be a folder of links."""
    real = bundle(tmp_path / "all" / "a")
    chosen = tmp_path / "chosen"
    chosen.mkdir()
    (chosen / "a").symlink_to(real)
    (chosen / "again").symlink_to(chosen)

    assert folders(chosen) == ["a"]


@pytest.mark.parametrize("kind", ["nowhere", "empty", "unlabelled"])
def test_a_corpus_without_a_labelled_bundle_is_an_error(tmp_path: Path, kind: str) -> None:
    root = tmp_path / kind
    if kind == "unlabelled":
        bundle(root / "a", label=None)
    elif kind == "empty":
        root.mkdir()
    with pytest.raises(BundleError) as caught:
        read_corpora((root,))
    assert str(root) in str(caught.value)


def test_a_label_is_never_found_through_a_bundles_own_files(tmp_path: Path) -> None:
    """A bundle whose label went missing has none, whatever lies further down."""
    folder = bundle(tmp_path / "a", label=None)
    (folder / "telemetry").mkdir()
    (folder / "telemetry" / "truth.yaml").write_text(LABEL)
    shutil.make_archive(str(tmp_path / "b"), "zip", folder)

    with pytest.raises(BundleError, match="found 2 bundles, none of them with"):
        read_corpora((tmp_path,))
