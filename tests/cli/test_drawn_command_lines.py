"""Whatever is typed is accepted, or refused in at most two lines that name a setting, a flag or a word of it."""

import os
import re
import sys
import time

import pytest

from nsp_ablation.cli.answers import answer
from nsp_ablation.cli.arguments import answers, parse_arguments
from nsp_ablation.cli.planned_cells import open_composer, plan
from nsp_ablation.config.problem import ConfigurationError
from nsp_ablation.config.tree import settings

FAST, ALL = 40, 1960
SLOW_ANSWERS = {"hydra_help", "info"}  # seconds of Hydra's own, which loads every plug-in


@pytest.fixture(scope="module")
def options(composer):
    """The options of each group; files are read, so that no draw pays for it."""
    composer.compose(())
    return {group: composer.options(group) for group in composer.groups()}


@pytest.fixture
def outcome(composer, project_root, tmp_path, monkeypatch):
    """outcome(words): the lines with which a command is refused, None where it is accepted or answered."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "torch", None)  # an import of it raises ImportError

    def lines(words: list[str]) -> list[str] | None:
        try:
            arguments = parse_arguments(words)
            own = arguments.config_dir or arguments.config_path or arguments.config_name
            used = open_composer(arguments, project_root) if own else composer
            for flag in answers(arguments):
                return None if flag in SLOW_ANSWERS else answer(flag, arguments, used, project_root)
            assert plan(arguments, used).cells
        except ConfigurationError as error:
            return error.lines
        return None

    return lines


def names_something(line: str, words: list[str]) -> bool:
    """Whether a line begins with a declared setting or group, a flag, or a word that was typed."""
    head = re.split(r"[=:]", line)[0]
    parts = re.sub(r"\[\d+\]", "", head).split(".")
    declared = {keys[0] for keys, *_ in settings()} | {"condition", "scale", "experiment", "hydra"}
    typed = any(key and key[:20] in line for key in (word.lstrip("+~").partition("=")[0] for word in words))
    return parts[0].partition("/")[0] in declared or head.startswith(("--", "argument -", "and ")) or typed


def check(words: list[str], outcome, secret: str) -> bool:
    """Check what a command line ends in; return whether it was refused."""
    started = time.process_time()
    lines = outcome(words)
    assert time.process_time() - started < 1 + words.count("-m") + words.count("--multirun"), words
    for line in lines or ():
        assert line == " ".join(line.split()), words
        assert line.isprintable(), words
        assert secret not in line, words
        assert names_something(line, words), (words, line)
    assert len(lines or ()) <= 2, words
    return lines is not None


def test_a_drawn_command_line_is_accepted_or_refused_in_two_lines(drawn, options, outcome, capsys):
    refused = [check(drawn.drawn_line(number, options), outcome, drawn.SECRET) for number in range(FAST)]
    assert 4 < sum(refused) < FAST - 4, "the draws have right and wrong values"
    assert drawn.SECRET not in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("HOSTILE") != "all", reason="all draws are for `make hostile`")
@pytest.mark.parametrize("start", range(FAST, ALL, 240))
def test_every_drawn_command_line_is_accepted_or_refused_in_two_lines(drawn, options, outcome, start):
    for number in range(start, start + 240):
        check(drawn.drawn_line(number, options), outcome, drawn.SECRET)


def test_draws_reach_every_setting_and_flag(drawn, options):
    words = [word for number in range(ALL) for word in drawn.drawn_line(number, options)]
    heads = {word.lstrip("+~").partition("=")[0].replace("[0]", "") for word in words}
    for keys, *_ in settings():
        pattern = re.escape(".".join(key for key in keys if key != "[]")).replace("<name>", r"\w+")
        assert any(re.fullmatch(pattern, head) for head in heads), keys
    assert {"-m", "--cfg", "--help", "--explain", "--resolve", "--nope"} <= set(words)
