"""Options of the command line that several commands share: when to write, models, settings."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from simulst import glossary
from simulst.config import RULES, Config, load
from simulst.errors import ConfigError

__all__ = ["add_engine_arguments", "numbers", "settings", "targets", "tell_broken_lines"]


def numbers(text: str) -> tuple[float, ...]:
    """The numbers of a list by comma, for argparse."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: give numbers by comma") from error


def add_engine_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what decides the emissions, but for the target language."""
    parser.add_argument(
        "--from", dest="spoken", metavar="LANG", help="spoken language (default: en)"
    )
    policy = parser.add_argument_group("when to write")
    policy.add_argument("--rule", help=f"what accepts a word: {', '.join(RULES)}")
    policy.add_argument(
        "--k", type=int, metavar="N", help="least lag in words; for wait-k simply the lag"
    )
    policy.add_argument(
        "--accept-m", type=float, metavar="M", help="lower is lenient, higher strict; 0: as suits"
    )
    policy.add_argument("--seed", type=int, metavar="N", help="of the random draws")
    models = parser.add_argument_group("models and settings")
    models.add_argument(
        "--translator",
        "--pack",
        dest="pack",
        metavar="MODEL",
        help="translator: a pack, a model that was pulled, or a folder (simulst models list)",
    )
    models.add_argument(
        "--asr", metavar="MODEL", help="listener: a pack, a size of Whisper, or pocketsphinx"
    )
    models.add_argument(
        "--glossary", metavar="FILE", help="names and terms: source, tab, target in each line"
    )
    models.add_argument("--config", type=Path, metavar="FILE", help="TOML file with settings")
    models.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a setting; repeatable"
    )


def settings(args: argparse.Namespace) -> Config:
    """The settings that file, overrides and options make together; options win.

    Raises:
        ConfigError: one is unknown or out of range, or two exclude each other.
    """
    options = {
        "seed": args.seed,
        "glossary": args.glossary,
        "asr.language": args.spoken,
        "asr.model": args.asr,
        "translate.pack": args.pack,
        "accept.rule": args.rule,
        "accept.m": args.accept_m,
    }
    given = [f"{key}={value}" for key, value in options.items() if value is not None]
    config = load(args.config, [*args.set, *given])
    if args.k is not None:
        k_max = max(args.k, config.accept.k_max)
        config = replace(config, accept=replace(config.accept, k_min=args.k, k_max=k_max))
    tell_broken_lines(config)
    return config


def tell_broken_lines(config: Config) -> None:
    """Say on standard error which lines of the glossary are left out.

    Raises:
        ConfigError: the glossary cannot be used at all.
    """
    if config.glossary:
        for complaint in glossary.load(Path(config.glossary), config.asr.language).broken:
            print(f"simulst: {complaint}", file=sys.stderr)


def targets(text: str) -> tuple[str, ...]:
    """Target languages, which stand on the command line separated by commas.

    Raises:
        ConfigError: one is empty or named twice.
    """
    names = tuple(name.strip() for name in text.split(","))
    if "" in names or len(set(names)) < len(names):
        raise ConfigError(f"--to {text}: name each language once, like de,fr")
    return names
