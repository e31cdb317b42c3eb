"""Policies and teachers of every kind by name, and the stages with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ctranslate2
import pytest
import torch

from simulst.config import Translate
from simulst.errors import ConfigError, ModelError
from simulst.protocols import Proposal, Seq2Seq, TrainableSeq2Seq
from simulst.rsft.acceptance import Selection
from simulst.rsft.drawing import Drawing
from simulst.rsft.jobs import accept_stage, sample_stage, talk_stage
from simulst.rsft.opening import facts_of, open_model, open_policy, saved_name, weights_of
from simulst.rsft.selection import check_vocabularies
from simulst.rsft.speculation import speculative
from simulst.rsft.stages import read_records
from simulst.rsft.talks import Sentence
from simulst.rsft.training import Learning, Schooling
from simulst.translate.ctranslate import CTranslate2Seq2Seq
from simulst.translate.huggingface import HuggingFaceSeq2Seq
from simulst.translate.sentences import WaitkSeq2Seq
from simulst.translate.storage import save_translator
from tests.fakes import SENTENCES, translator
from tests.translate import tiny

TOKENIZER = ["tokenizer_config.json", "vocab.json", "source.spm", "target.spm"]
SENTENCE = tuple(SENTENCES[0].split())


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights seldom end a sentence by themselves."""
    limits = Translate(max_ratio=0.2, max_extra=3)
    for module in ("huggingface", "ctranslate"):
        monkeypatch.setattr(f"simulst.translate.{module}.config.Translate", lambda: limits)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Names of a policy, of itself converted, of another one converted, and of strangers."""
    folder = tmp_path_factory.mktemp("models")
    names = {"policy": f"hf:{tiny.marian(folder / 'policy')}"}
    for name, original in (("itself", folder / "policy"), ("other", tiny.marian(folder / "o", 1))):
        converter = ctranslate2.converters.TransformersConverter(
            str(original), copy_files=TOKENIZER
        )
        names[name] = f"ct2:{converter.convert(str(folder / name))}"
    names["stranger"] = f"hf:{tiny.bart(folder / 'bart')}"
    names["many"] = f"hf:{tiny.m2m100(folder / 'many')}"
    made = translator()
    save_translator(folder / "pack", made.model, made.vocabulary, "en", "de")
    return names | {"pack": str(folder / "pack")}


def quiet(done: int, record: dict[str, Any]) -> None:
    """A report that nobody reads."""


def test_every_kind_opens(models: dict[str, str]) -> None:
    """The prefix says what a model is; packs need none; only CTranslate2's cannot learn."""
    kinds = {"pack": WaitkSeq2Seq, "policy": HuggingFaceSeq2Seq, "itself": CTranslate2Seq2Seq}
    for name, kind in kinds.items():
        model = open_model(models[name])
        assert isinstance(model, kind)
        assert isinstance(model, Seq2Seq)
        if kind is not CTranslate2Seq2Seq:
            assert isinstance(open_policy(models[name]), TrainableSeq2Seq)
    with pytest.raises(ConfigError, match="ct2:.* cannot learn"):
        open_policy(models["itself"])


def test_languages_stand_in_the_name(models: dict[str, str]) -> None:
    """A model of many languages wants two that it knows, and starts its targets with the second."""
    with pytest.raises(ModelError, match="name the two after it, as @en-de"):
        open_model(models["many"])
    with pytest.raises(ModelError, match="knows no language 'klingon'"):
        open_model(f"{models['many']}@en-klingon")
    german, french = (open_model(f"{models['many']}@en-{code}") for code in ("de", "fr"))
    assert (german.source_language, german.target_language) == ("en", "de")
    target = german.tokens(SENTENCES[1])
    assert french.tokens(SENTENCES[1]) == target
    assert german.score([SENTENCE], [target], [0]) != french.score([SENTENCE], [target], [0])


def test_what_is_not_there_is_named(tmp_path: Path, models: dict[str, str]) -> None:
    """A name that was never fetched, an empty folder, and a folder of another kind."""
    with pytest.raises(ModelError, match="nothing is downloaded here"):
        open_model("hf:nobody/has-this-model")
    with pytest.raises(ModelError, match="no encoder-decoder"):
        open_model(f"hf:{tmp_path}")
    with pytest.raises(ModelError, match="is no folder"):
        open_model("ct2:nobody/has-this-model")
    with pytest.raises(ModelError, match=r"needs model\.bin"):
        open_model(models["policy"].replace("hf:", "ct2:"))
    with pytest.raises(ModelError, match="is no pack"):
        open_model(str(tmp_path))


def test_subwords_are_compared_across_kinds(models: dict[str, str]) -> None:
    """A Marian and its conversion have the same; the test with others is refused as ever."""
    policy = open_model(models["policy"])
    check_vocabularies(policy, open_model(models["itself"]))
    for name in ("stranger", "pack"):
        with pytest.raises(ModelError, match="use the form 'reward'"):
            check_vocabularies(policy, open_model(models[name]))


def test_a_model_converted_accepts_what_the_original_drew(models: dict[str, str]) -> None:
    """At M = 1, lag 0 and temperature 1 P = q up to float sums: every token is the policy's own."""
    policy, teacher = open_model(models["policy"]), open_model(models["itself"])
    wanted = [Proposal(SENTENCE[i:], 0, 1.0, ("same", i, n)) for i in range(3) for n in range(4)]
    samples = policy.sample(wanted)
    found = speculative(policy, teacher, wanted, samples, 1.0, policy.eos)
    assert [a.tokens for a in found] == [s.tokens for s in samples]
    assert all(all(a.learned) for a in found)


@pytest.mark.parametrize("lag", [0, 2])
def test_another_model_replaces_tokens(models: dict[str, str], lag: int) -> None:
    """Text of policy and teacher together, the same alone and beside others."""
    policy, teacher = open_model(models["policy"]), open_model(models["other"])
    wanted = [Proposal(SENTENCE[i:], lag, 0.7, ("two", i)) for i in range(3)]
    found = speculative(policy, teacher, wanted, policy.sample(wanted), 1.0, policy.eos)
    assert 0 < sum(a.passed for a in found) < sum(a.judged for a in found)
    for proposal, accepted in zip(wanted, found, strict=True):
        assert sum(accepted.learned) == accepted.passed <= accepted.judged
        assert accepted.judged == len(accepted.tokens)
        [alone] = speculative(
            policy, teacher, [proposal], policy.sample([proposal]), 1.0, policy.eos
        )
        assert (alone.tokens, alone.learned) == (accepted.tokens, accepted.learned)


def test_the_stages_take_any_kind(models: dict[str, str], tmp_path: Path) -> None:
    """Drawn from one of transformers, accepted by one of CTranslate2, learnt, saved, reopened."""
    talks, samples, accepted = (tmp_path / f"{name}.jsonl" for name in ("t", "s", "a"))
    sentences = [Sentence("t", SENTENCES[i], SENTENCES[i + 1]) for i in (0, 2, 4)]
    talk_stage(iter(sentences), talks, {})
    drawing = Drawing(drafts=2, lags=(0,), temperatures=(0.5,))
    assert sample_stage(talks, samples, models["policy"], drawing, quiet) == 3
    selection = Selection(gates=None)
    figures = accept_stage(samples, accepted, models["other"], selection, quiet)
    assert 0 < figures["acceptance"] < 1
    policy = open_policy(models["policy"])
    learning = Learning(steps=4, tokens=40, rate=3e-3, warmup=1, accepted_share=1.0, lags=(0,))
    anchor = open_policy(models["policy"])
    schooling = Schooling(policy, anchor, accepted, learning, tmp_path)
    schooling.run(lambda done: None)
    policy.save(tmp_path / "learnt", {"license": "none"})
    name = saved_name(models["policy"], tmp_path / "learnt")
    again = open_policy(name)
    first = next(read_records(accepted))["accepted"][0]
    target, source = tuple(first["tokens"]), tuple(sentences[0].source.split())
    [before], [after], [reopened] = (
        model.score([source], [target], [0]) for model in (anchor, policy, again)
    )
    assert sum(after) > sum(before)
    assert reopened == pytest.approx(after, abs=1e-4)
    assert facts_of(name)["license"] == "none"
    assert weights_of(name) != weights_of(models["policy"]) == weights_of(models["policy"])
    assert saved_name("pack", tmp_path) == str(tmp_path.resolve())


def test_a_device_that_is_not_there() -> None:
    """An unknown device and a GPU that the machine lacks are named before anything is loaded."""
    with pytest.raises(ConfigError, match="'tpu' is unknown: use cpu or cuda"):
        open_model("en-de", "tpu")
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match="cuda is not available"):
            open_policy("en-de", "cuda")
