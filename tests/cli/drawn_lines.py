"""Draws command lines from the declared options: right and wrong values of each type, groups, sweeps, flags, quotes.

A line is a function of its number alone.
"""

import random
from dataclasses import is_dataclass
from typing import Any, get_args, get_origin

from nsp_ablation.cli.arguments import flags_help
from nsp_ablation.config.tree import required, settings

SECRET = "s3cretWord"
_SETTINGS = list(settings())
_ANY = (
    *("null", "true", "3", "-1", "0", "2.5", "1e400", "nan", "inf", "10" * 20, "x", "''", '""', "[]", "{}", "[[1]]"),
    *("[1,[2,{a:3}]]", "{a: b}", "${seed}", "${nope}", "${oc.env:HOME}", "${oc.env:NO_SUCH}", "'a,b'", '"a,b"', "a=b"),
    *(
        "a b",
        "[a",
        "a'",
        "$",
        "\\",
        "#x",
        "@",
        ":",
        "a:b",
        "é",
        "中文",
        "\udc80",
        "a\nb",
        "\x07",
        "x" * 300,
        "x/" * 2500,
    ),
    *(f"https://user:{SECRET}@host/x", f"s3://key:{SECRET}@b?token={SECRET}", "../..", "/proc/x", "~", "*", "=cmd|x"),
)
_SWEEPS = (
    *("range(1,4)", "range(1,1)", "range(0,3,0)", "range(1,10**9)", "range(1,1000000000)", "range(0,1,1e-9)"),
    *(
        "range(3,1)",
        "glob(*)",
        "glob(nope*)",
        "choice(a,b)",
        "choice()",
        "interval(0,1)",
        "shuffle(range(1,1000000000))",
    ),
    *("sort(3,1,2)", "sort(range(1,4),reverse=true)", "tag(t,1,2)", "int(3)", "float(x)", "range(a,b)", "shuffle(1,2)"),
)
_HYDRA = (
    *("hydra.run.dir=/proc/x", "hydra.sweep.dir=out", "hydra.sweeper.max_batch_size=0", "hydra.mode=MULTIRUN"),
    *("hydra/launcher=joblib", "hydra/launcher=basic", "hydra/sweeper=optuna", "hydra.foo=1", "hydra={}", "hydra=1"),
    *("hydra.job.chdir=true", "hydra.searchpath=[x]", "hydra.verbose=maybe", "hydra.output_subdir=null"),
)


def drawn_line(number: int, options: dict[str, list[str]]) -> list[str]:
    """Return the words of a command line; `options` are those of each group."""
    draw = random.Random(number)
    words = [_word(draw, options) for _ in range(draw.choice((1, 1, 1, 2, 2, 3)))]
    flags = ["-m"] if draw.random() < 0.35 else []
    if draw.random() < 0.2:
        flags += _flag(draw)
    for flag in flags:  # anywhere between the settings; what belongs to a flag follows it
        words.insert(draw.randrange(len(words) + 1), flag)
    return [part for word in words for part in word.split("\0")]


def _flag(draw: random.Random) -> list[str]:
    names = [name for names, _ in flags_help() for name in names.replace(",", "").split() if name.startswith("-")]
    name = draw.choice([*names, "--cfg\0job", "--cfg\0all", "--explain\0masking", "-c\0nope", "--nope", "-x=1"])
    return [name, *(["--resolve"] if draw.random() < 0.1 else [])]


def _word(draw: random.Random, options: dict[str, list[str]]) -> str:
    if draw.random() < 0.05:
        return draw.choice(_HYDRA)
    key, right, wrong = (_group if draw.random() < 0.25 else _setting)(draw, options)
    if draw.random() < 0.4:
        return f"{key}={draw.choice(right)}"
    values = [*right, *wrong, draw.choice(_ANY), draw.choice(_ANY)]
    value = draw.choice(values)
    if draw.random() < 0.3:
        value = draw.choice((draw.choice(_SWEEPS), f"{value},{draw.choice(values)}"))
    return f"{draw.choice(('', '', '', '', '', '', '', '+', '++', '~'))}{_misspelt(draw, key)}={value}"


def _group(draw: random.Random, options: dict[str, list[str]]) -> tuple[str, list[str], list[str]]:
    key = draw.choice(list(options))
    names = options[key]
    lists = [f"[{draw.choice(names)}]", f"[{draw.choice(names)},{draw.choice(names)}]", f"{{name: {names[0]}}}"]
    return key, names, [draw.choice(names)[:-1], *lists]


def _setting(draw: random.Random, options: dict[str, list[str]]) -> tuple[str, list[str], list[str]]:
    keys, field, annotation = draw.choice(_SETTINGS)
    name = draw.choice([*options["tasks"][:3], "squad1", "mine"])
    key = ".".join(keys).replace("<name>", name).replace(".[]", "[0]" if draw.random() < 0.5 else "")
    return key, *_of_type(draw, required(annotation), field)


def _of_type(draw: random.Random, type_: Any, field: Any) -> tuple[list[str], list[str]]:
    """Return (values within the type and bounds of a setting, values beside them)."""
    low, high, choices = (field.metadata[name] for name in ("low", "high", "choices"))
    if get_origin(type_) is list:
        item = get_args(type_)[0]
        right, wrong = (["{a: full, b: doc}"], ["{path: x}"]) if is_dataclass(item) else _of_type(draw, item, field)
        return [f"[{draw.choice(right)}]", f"[{draw.choice(right)},{draw.choice(right)}]"], [f"[{draw.choice(wrong)}]"]
    if get_origin(type_) is dict:
        return ["{bbpe: 300}", "{mnli: {learning_rate: 1e-3}}"], ["{}", "{a: -1}"]
    if type_ is bool:
        return ["true", "false"], ["yes", "2"]
    if type_ in (int, float):
        step = 1 if type_ is int else 0.5
        right = [low, low + step, (low + high) // 2, high]
        return [str(number) for number in right], [str(number) for number in (low - step, high + step, high * 10**20)]
    return ([*choices], ["full", "x/y"]) if choices else (["x", "x/y", "3"], [".", "nowhere/*.txt", "all"])


def _misspelt(draw: random.Random, key: str) -> str:
    chance = draw.random()
    if chance < 0.04:
        place = draw.randrange(len(key))
        return key[:place] + key[place + 1 :]
    if chance < 0.06:
        return f"{key}.x"
    if chance < 0.08:
        return f"{key}@x"
    return key
