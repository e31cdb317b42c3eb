"""simulst as an agent of SimulEval: speech to text, and text to text.

simuleval --agent demos/simuleval_agent.py --agent-class agents.Speech --to de \
    --source talks.txt --target references.txt --source-segment-size 500 --output OUT
simuleval --agent demos/simuleval_agent.py --agent-class agents.Text --to de \
    --source sentences.en --target sentences.de --output OUT
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

import numpy as np
from simuleval.agents import AgentStates, SpeechToTextAgent, TextToTextAgent
from simuleval.agents.actions import Action, ReadAction, WriteAction
from simuleval.utils import entrypoint

from simulst.accept import rules
from simulst.audio.resampling import Resampler
from simulst.options import add_engine_arguments, settings
from simulst.pipeline import build
from simulst.translate.policy import Policy
from simulst.translate.storage import open_translators


class States(AgentStates):  # type: ignore[misc]
    """SimulEval's states, and the values that a session is between two steps."""

    def reset(self) -> None:
        """Begin anew."""
        super().reset()
        self.taken = 0
        self.session: Any = None
        self.sound: Any = None


class Base:
    """What both agents have in common."""

    @staticmethod
    def add_args(parser: ArgumentParser) -> None:
        """Declare the options of `simulst interpret` that decide about words."""
        parser.add_argument("--to", required=True, metavar="LANG")
        add_engine_arguments(parser)

    def build_states(self) -> States:
        """States that hold a session."""
        return States()


@entrypoint
class Speech(Base, SpeechToTextAgent):  # type: ignore[misc]
    """Sound in, words out: the whole engine."""

    def __init__(self, args: Namespace) -> None:
        self.interpreter = build(settings(args), args.to)
        super().__init__(args)

    def policy(self, states: States) -> Action:
        """Hear what has come since the last call."""
        come = np.array(states.source[states.taken :], np.float32)
        states.taken = len(states.source)
        resampler = Resampler(states.source_sample_rate)
        mono = come if come.ndim == 1 else come.mean(axis=1)
        states.sound, heard = resampler.step(states.sound or resampler.open(), mono)
        end = [resampler.finish(states.sound), None] if states.source_finished else []
        states.session, text = states.session or self.interpreter.open(), ""
        for samples in [heard, *end]:
            ((states.session, update),) = self.interpreter.step([states.session], [samples])
            text += "".join(unit.space + unit.text for unit in update.emissions)
        return written(text, states)


@entrypoint
class Text(Base, TextToTextAgent):  # type: ignore[misc]
    """Words in, words out: the policy of `simulst evaluate` on a text."""

    def __init__(self, args: Namespace) -> None:
        config = settings(args)
        translator, verifier, _ = open_translators(config, args.to)
        rest = config.accept, config.translate, config.seed, verifier
        self.engine = Policy(translator, rules.build(config.accept, translator, verifier), *rest)
        self.sentence = 0  # the draws are those of its number
        super().__init__(args)

    def policy(self, states: States) -> Action:
        """READ the word that has come, WRITE what may be written."""
        word = states.source[-1] if states.source else None
        state = states.session or self.engine.open(self.sentence)
        ((states.session, result),) = self.engine.step([state], [word], [states.source_finished])
        self.sentence += states.source_finished
        return written(self.engine.translator.space.join(result.units), states)


def written(text: str, states: States) -> Action:
    """WRITE what there is, else READ."""
    finished = states.source_finished
    return WriteAction(text, finished=finished) if text or finished else ReadAction()
