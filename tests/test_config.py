"""Settings: defaults, files, overrides, refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulst import config
from simulst.errors import ConfigError


def test_file_then_overrides(tmp_path: Path) -> None:
    """A file changes the defaults, and an override changes the file."""
    path = tmp_path / "simulst.toml"
    path.write_text("seed = 4\n[accept]\nm = 2\nk_min = 3\n[asr]\nmodel = 'tiny'\n")
    found = config.load(path, ["accept.k_min=1", "accept.deterministic=false"])
    assert (found.seed, found.accept.m, found.accept.k_min) == (4, 2.0, 1)
    assert found.asr.model == "tiny"
    assert found.accept.deterministic is False
    assert found.audio == config.Audio()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("accept.kmin=2", "there is no setting 'accept.kmin'.*accept.k_min"),
        ("sound.vad=true", "there is no setting 'sound.vad'"),
        ("accept.k_min=0", "accept.k_min is 0: it must be at least 1"),
        ("accept.m=-1", "accept.m is -1.0: M must be above 0 .*or 0 for what suits"),
        ("accept.m=inf", "accept.m is inf"),
        ("accept.lookback=-2", "accept.lookback is -2"),
        ("accept.m=much", "accept.m is 'much'; it takes a value of type float"),
        ("accept.k_min=9", "k_min is 9 and accept.k_max is 6"),
        ("accept.proposal=guess", "use one of point, model"),
        ("accept.rule=guess", "use one of auto, ratio, learned, wait-k"),
        ("asr.window_s=40", "between 2 and 29"),
        ("audio.vad=maybe", "type bool"),
        ("accept.k_min", "has no '='"),
    ],
)
def test_refusals_name_the_value(override: str, message: str) -> None:
    """What cannot be is refused with the setting, its value and the way out."""
    with pytest.raises(ConfigError, match=message):
        config.load(None, [override])


def test_unknown_key_in_a_file(tmp_path: Path) -> None:
    """A misspelt key in a file is refused with the file's name, not ignored."""
    path = tmp_path / "x.toml"
    path.write_text("[audio]\nstep = 3\n")
    with pytest.raises(ConfigError, match=r"x\.toml: there is no setting 'audio.step'"):
        config.load(path)


def test_broken_and_missing_files(tmp_path: Path) -> None:
    """A file that is missing or no TOML is refused by name."""
    with pytest.raises(ConfigError, match="No such file"):
        config.load(tmp_path / "absent.toml")
    path = tmp_path / "bad.toml"
    path.write_text("seed = = 1")
    with pytest.raises(ConfigError, match="not valid TOML"):
        config.load(path)


def test_a_test_against_the_own_distribution_is_refused() -> None:
    """Without a lookback p = q, which says nothing; p itself still says something."""
    with pytest.raises(ConfigError, match="p = q"):
        config.load(None, ["accept.lookback=0", "accept.rule=ratio", "accept.proposal=model"])
    with pytest.raises(ConfigError, match="p = q"):
        config.load(None, ["accept.lookback=0", "accept.deterministic=false"])
    assert config.load(None, ["accept.lookback=0", "accept.rule=ratio"]).accept.certain
    assert config.load(None, ["accept.lookback=0"]).accept.rule == "auto"


def test_learned_evidence_needs_no_lookback() -> None:
    """The network sees more than p and q say of a token, so L = 0 is no vacuous test for it."""
    found = config.load(None, ["accept.lookback=0", "accept.rule=learned"])
    assert found.accept.lookback == 0


def test_learned_evidence_takes_no_verifier() -> None:
    """A network knows the drafts of its own pack only."""
    with pytest.raises(ConfigError, match="its own pack"):
        config.load(None, ["accept.rule=learned", "translate.verifier=strong"])


def test_a_verifier_needs_no_lookback() -> None:
    """p = q is allowed to look alike only where another pack plays p."""
    found = config.load(None, ["accept.lookback=0", "translate.verifier=strong"])
    assert found.accept.lookback == 0
