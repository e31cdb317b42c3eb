"""The one place that imports torchaudio.

Why: from 2.9 on, torchaudio's wheel carries a compiled extension that is linked against CUDA.
Beside a CPU-only torch the extension cannot be loaded and `import torchaudio` fails with
OSError, although resampling, spectrograms, masking and most of the rest are plain PyTorch. If
that happens, the extension is replaced by a stub that says it is not available, and the import
is made again. What needs the extension (forced alignment, the RNN-T loss) stays out of reach.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn

__all__ = ["load_torchaudio"]

_lock = threading.Lock()  # two threads must not import and unload it at the same time


def load_torchaudio() -> Any:
    """Import torchaudio, without its compiled extension where that cannot be loaded."""
    with _lock:
        try:
            return importlib.import_module("torchaudio")
        except (OSError, RuntimeError):
            for name in [n for n in sys.modules if n.split(".")[0] == "torchaudio"]:
                del sys.modules[name]
            sys.modules["torchaudio._extension"] = _extension()
            return importlib.import_module("torchaudio")


def _extension() -> ModuleType:
    """What stands in for `torchaudio._extension`: a package that offers nothing."""
    stub: Any = ModuleType("torchaudio._extension")
    stub.__path__ = []
    stub._IS_TORCHAUDIO_EXT_AVAILABLE = False
    stub._IS_ALIGN_AVAILABLE = False
    stub._check_cuda_version = lambda: None
    stub._load_lib = lambda lib: False
    stub.fail_if_no_align = _unavailable
    return stub  # type: ignore[no-any-return]


def _unavailable(function: Callable[..., object]) -> Callable[..., NoReturn]:
    def fail(*_args: object, **_options: object) -> NoReturn:
        raise RuntimeError(
            f"torchaudio's {function.__name__} needs its compiled extension, "
            "which does not load beside this torch"
        )

    return fail
