"""Models of transformers on disk: a folder, or a name whose files were fetched before.

Nothing is downloaded. What transformers has no place for (the languages, how the model came to be)
stands in `simulst.json` beside its files.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from simulst import packs
from simulst.errors import ConfigError, ModelError
from simulst.torchaudio_shim import load_torchaudio
from simulst.translate.languages import named
from simulst.translate.subwords import TokenizerSubwords

__all__ = ["FACTS", "find_checkpoint", "load_model", "load_subwords", "read_facts", "write_model"]

FACTS = "simulst.json"


def _transformers() -> Any:
    load_torchaudio()  # transformers imports it where it is installed, and it may not load
    try:
        import transformers
    except ImportError as error:
        raise ConfigError(
            "models of transformers need the package: pip install 'simulst[translators]'"
        ) from error
    return transformers


@contextmanager
def _quietly() -> Iterator[None]:
    """No progress bars, and no advice on other packages."""
    logging = _transformers().utils.logging
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Recommended: pip install")
            yield
    finally:
        if shown:
            logging.enable_progress_bar()


def find_checkpoint(name: str) -> Path:
    """The folder of a model.

    Args:
        name: a folder, or a name on the hub that was pulled, or whose files are in the cache of
            transformers.

    Raises:
        ConfigError: transformers is not installed.
        ModelError: it is neither.
    """
    if Path(name).is_dir():
        return Path(name)
    if packs.has(name, "translator"):
        return packs.find(name, "translator").path
    hub = _transformers().utils.hub
    try:
        path = hub.cached_file(name, "config.json", local_files_only=True)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{name} is no folder, and no model of that name was pulled before: give the folder "
            f"of a model, or pull it with `simulst models pull {name}`; nothing is downloaded here"
        ) from error
    return Path(path).parent


def read_facts(folder: Path) -> dict[str, Any]:
    """What `write_model` noted beside a model; empty if it was not simulst that wrote it.

    Raises:
        ModelError: the note is damaged.
    """
    path = folder / FACTS
    if not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(f"{path} is damaged ({error}): remove it, or save again") from error


def load_subwords(
    folder: Path,
    languages: tuple[str, str] | None = None,
    forced: int | None = None,
    tasks: Mapping[str, Any] | None = None,
) -> TokenizerSubwords:
    """The tokenizer of a folder; arguments as of `TokenizerSubwords`.

    Raises:
        ModelError: the folder holds none that can be read, or it does not serve the languages.
    """
    facts = read_facts(folder).get("languages")
    if languages is None and facts:
        languages = facts[0], facts[1]
    transformers = _transformers()
    try:
        with _quietly():
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError, ImportError) as error:
        raise ModelError(
            f"{folder} holds no tokenizer that transformers can read "
            f"({_first_line(error)}): put its files there"
        ) from error
    if languages is not None:
        languages = named(tokenizer, *languages)
    return TokenizerSubwords(tokenizer, languages, forced, tasks)


def load_model(
    folder: Path, languages: tuple[str, str] | None = None
) -> tuple[Any, TokenizerSubwords]:
    """The encoder-decoder of a folder, in float32, and its subwords.

    Raises:
        ConfigError: transformers is not installed.
        ModelError: the folder holds no encoder-decoder, or does not serve the languages.
    """
    transformers = _transformers()
    try:
        with _quietly():
            model = transformers.AutoModelForSeq2SeqLM.from_pretrained(
                folder, local_files_only=True
            ).float()
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(
            f"{folder} holds no encoder-decoder that transformers can read "
            f"({_first_line(error)}): name another folder"
        ) from error
    settings = model.generation_config
    forced = settings.forced_bos_token_id
    forced = getattr(model.config, "forced_bos_token_id", None) if forced is None else forced
    tasks = getattr(model.config, "task_specific_params", None)
    return model, load_subwords(folder, languages, forced, tasks)


def write_model(
    folder: Path, model: Any, subwords: TokenizerSubwords, fields: Mapping[str, Any]
) -> None:
    """Write a folder that transformers and `load_model` open.

    Args:
        folder: made if it is not there.
        model, subwords: as `load_model` gave them.
        fields: more facts, on how the model came to be.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _quietly():
        model.save_pretrained(folder)
        subwords.tokenizer.save_pretrained(folder)
    facts = {"languages": [subwords.source_language, subwords.target_language], **fields}
    text = json.dumps(facts, indent=2, ensure_ascii=False)
    (folder / FACTS).write_text(text + "\n", encoding="utf-8")


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
