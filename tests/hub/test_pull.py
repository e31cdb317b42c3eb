"""Pulling: whole, going on after a break, checked, and one clear line for whatever goes wrong."""

from __future__ import annotations

import errno
import json
import shutil
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

from simulst import packs
from simulst.cli import main
from simulst.errors import ModelError
from simulst.hub.pull import pull
from tests.hub.conftest import MARIAN, WHISPER
from tests.hub.stub import COMMIT, StubHub
from tests.test_cli import refused


def same(folder: Path, original: Path, *without: str) -> None:
    """The folder holds what the repository holds, but for some files."""
    names = {path.name for path in original.iterdir()} - {".gitattributes", "tf_model.h5", *without}
    assert {path.name for path in folder.iterdir()} == names | {packs.MANIFEST}
    for name in names:
        assert (folder / name).read_bytes() == (original / name).read_bytes()


def test_a_whisper_and_a_marian(
    hub: StubHub, cache: Path, originals: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Both lie whole in the cache, as packs that say what they are and where they came from."""
    assert main(["models", "pull", "small"]) == 0
    assert main(["models", "pull", "opus-mt-en-de"]) == 0
    assert "--translator opus-mt-en-de" in capsys.readouterr().out
    same(cache / WHISPER, originals[WHISPER])
    same(cache / MARIAN, originals[MARIAN], "pytorch_model.bin")  # safetensors are there
    listener, translator = packs.find("small", "asr"), packs.find(MARIAN, "translator")
    assert (listener.name, listener.fields["architecture"]) == (WHISPER, "whisper")
    assert (translator.fields["source"], translator.fields["target"]) == ("en", "de")
    for pack in (listener, translator):
        assert (pack.fields["license"], pack.fields["revision"]) == ("cc-by-4.0", COMMIT)
        assert pack.fields["endpoint"] == hub.url


def test_a_second_pull_fetches_nothing(hub: StubHub, cache: Path) -> None:
    """What is here and whole is only compared with what the hub says."""
    pull(MARIAN)
    hub.asked.clear()
    assert pull(MARIAN, "main") == cache / MARIAN
    assert [path for path, _ in hub.asked] == [f"/api/models/{MARIAN}/revision/main"]
    (cache / MARIAN / "config.json").write_text("{}")
    pull(MARIAN)
    packs.open_pack(cache / MARIAN, thorough=True)


def test_a_broken_transfer_goes_on(
    hub: StubHub, cache: Path, originals: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that breaks off is taken up where it broke, and the bytes are right."""
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1000)
    hub.cut["model.bin"] = 5000
    pull(WHISPER)
    assert hub.sent("model.bin") == ["", "bytes=5000-"]
    same(cache / WHISPER, originals[WHISPER])


def test_a_killed_pull_goes_on(
    hub: StubHub,
    cache: Path,
    originals: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """After Ctrl-C the next pull asks for what is missing only; until then there is no pack."""
    from huggingface_hub import file_download

    real = file_download.http_get

    def killed(url: str, out: object, **options: object) -> None:
        if url.endswith("model.bin"):
            whole = (originals[WHISPER] / "model.bin").read_bytes()
            out.write(whole[:7000])  # type: ignore[attr-defined]
            raise KeyboardInterrupt
        real(url, out, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(file_download, "http_get", killed)
    assert main(["models", "pull", "small"]) == 130
    monkeypatch.setattr(file_download, "http_get", real)
    with pytest.raises(ModelError, match="simulst models pull small"):
        packs.find("small", "asr")
    assert main(["models", "list"]) == 0
    assert f"{WHISPER}  has not come whole" in capsys.readouterr().out
    hub.asked.clear()
    pull(WHISPER)
    assert hub.sent("model.bin") == ["bytes=7000-"]
    assert hub.sent("config.json") == []
    same(cache / WHISPER, originals[WHISPER])


@pytest.mark.parametrize("name", ["config.json", "model.bin"])
def test_another_checksum(hub: StubHub, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Content that is not what the hub states is named and thrown away; then it comes right."""
    hub.swapped.add(name)
    assert f"{name} of {WHISPER} came with another checksum" in refused(
        capsys, "models", "pull", "small"
    )
    assert not packs.has("small", "asr")
    hub.swapped.clear()
    hub.asked.clear()
    pull(WHISPER)
    assert hub.sent(name) == [""]


def test_an_older_revision_stays_until_the_new_one_is_whole(hub: StubHub, cache: Path) -> None:
    """A failed pull over a model that is here leaves that one in use."""
    pull(MARIAN)
    changed = cache.parent / "changed"
    shutil.copytree(hub.models[MARIAN], changed)
    (changed / "vocab.json").write_text((changed / "vocab.json").read_text() + " ")
    manifest = json.loads((cache / MARIAN / packs.MANIFEST).read_text())
    manifest["revision"] = "an older one"
    (cache / MARIAN / packs.MANIFEST).write_text(json.dumps(manifest))
    hub.models[MARIAN] = changed
    hub.swapped.add("vocab.json")
    with pytest.raises(ModelError, match="another checksum"):
        pull(MARIAN)
    assert packs.find(MARIAN, "translator").fields["revision"] == "an older one"
    hub.swapped.clear()
    pull(MARIAN)
    assert (cache / MARIAN / "vocab.json").read_text().endswith(" ")
    assert packs.find(MARIAN, "translator").fields["revision"] == COMMIT


TRAP = {"rfilename": "config.json", "size": 3, "lfs": {"sha256": "../../x", "size": 3}}


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Log in, please</html>",
        b"[]",
        b"{}",
        b'{"id": "a/b"}',
        json.dumps({"id": "a/b", "sha": COMMIT, "siblings": [TRAP]}).encode(),
    ],
)
def test_garbage(hub: StubHub, body: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    """An answer that is none of a hub, as of a log-in page, is called that."""
    hub.garbage = body
    line = refused(capsys, "models", "pull", "small")
    assert "did not answer as a hub does" in line or "lists no files" in line
    assert hub.url in line


def test_nobody_there(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A hub that refuses the connection is named, with what to check."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{taken.getsockname()[1]}")
        line = refused(capsys, "models", "pull", "small")
    assert "failed while asked for Systran/faster-whisper-small" in line
    assert "check the network or HF_ENDPOINT" in line


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [
        (404, "RepoNotFound", "check the name"),
        (404, "RevisionNotFound", "no such revision"),
        (401, "", "HF_TOKEN"),
        (401, "GatedRepo", "accept its terms"),
        (403, "GatedRepo", "accept its terms"),
        (500, "", "error 500"),
    ],
)
def test_refusals(
    hub: StubHub, status: int, code: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each refusal of the hub has a line of its own."""
    hub.status, hub.code = status, code
    assert says in refused(capsys, "models", "pull", "small", "--revision", "v1")


def test_no_room(
    hub: StubHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A disk that cannot hold the model is named before anything is fetched."""
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    assert "XDG_CACHE_HOME to a larger disk" in refused(capsys, "models", "pull", "small")
    assert hub.sent("model.bin") == []


def test_a_disk_that_fills_up(
    hub: StubHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody else may take the room while a file comes: the same is said then."""

    def full(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("huggingface_hub.file_download.http_get", full)
    assert "the disk is full while sending" in refused(capsys, "models", "pull", "small")


def test_what_is_no_model_of_ours(
    hub: StubHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A decoder-only model and a Whisper of transformers are refused before their weights come."""
    for name, settings, says in (
        ("gpt", {"model_type": "gpt2"}, "neither a Whisper"),
        ("whisper", {"model_type": "whisper", "is_encoder_decoder": True}, "small or large"),
    ):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps(settings))
        (folder / "model.safetensors").write_bytes(b"weights")
        hub.models[f"some/{name}"] = folder
        assert says in refused(capsys, "models", "pull", f"some/{name}")
        assert hub.sent("model.safetensors") == []
    assert "neither a known name nor OWNER/NAME" in refused(capsys, "models", "pull", "nonsense")
