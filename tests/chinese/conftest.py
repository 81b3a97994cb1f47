"""A small Chinese corpus and a span task over it, of our own making, read with both trained tokenizers."""

import copy
import json
import random
from functools import cache
from typing import NamedTuple

import pytest
from tokenizers import Tokenizer

from nsp_ablation.base.input_layout import InputLayout
from nsp_ablation.config.schema import Config
from nsp_ablation.options.format_options import FormatOptions
from nsp_ablation.pipeline.feed import Feed, OpenFeed, feed_of
from nsp_ablation.text.tokenization.tokenizer import load_tokenizer

SURNAMES, GIVEN = "王李张刘陈杨赵黄周吴", "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚"
TOWNS, JOBS = ("北京", "上海", "广州", "成都", "西安", "哈尔滨"), ("老师", "医生", "厨师", "司机", "工程师")
VOCABULARY = {"bbpe": 420, "wordpiece": 130}


class Person(NamedTuple):
    """What a document tells of somebody."""

    name: str
    town: str
    job: str
    year: int

    def sentences(self) -> list[str]:
        """Return the document's sentences; the last two are speech and who spoke."""
        return [
            f"{self.name}出生于{self.year}年。",
            f"他住在{self.town}，是一名{self.job}！",
            f"{self.name}用iPhone 6s手机。",
            f"“你喜欢{self.town}吗？”",
            "朋友问。",
        ]


def people(seed: int, number: int) -> list[Person]:
    """Return people drawn by a seed."""
    draw = random.Random(seed)
    names = (draw.choice(SURNAMES) + draw.choice(GIVEN) for _ in range(number))
    return [Person(name, draw.choice(TOWNS), draw.choice(JOBS), draw.randrange(1950, 2020)) for name in names]


@pytest.fixture(scope="session")
def chinese_files(tmp_path_factory):
    """The directory of zh.jsonl, one person per document, and of a task's files as CMRC 2018 lays them out."""
    directory = tmp_path_factory.mktemp("chinese")
    documents = ["".join(person.sentences()) for person in people(1, 200)]
    lines = [json.dumps({"text": text}, ensure_ascii=False) for text in documents]
    (directory / "zh.jsonl").write_text("\n".join(lines), encoding="utf-8")
    for split, seed, number in (("train", 2, 60), ("dev", 3, 20)):
        paragraphs = []
        for n, person in enumerate(people(seed, number)):
            context = "".join(person.sentences())
            asked = {"哪里": person.town, "职业": person.job, "哪年": f"{person.year}年"}
            qas = [
                {"id": f"{split}_{n}_{k}", "question": f"{person.name}的{word}？"}
                | {"answers": [{"text": answer, "answer_start": context.index(answer)}]}
                for k, (word, answer) in enumerate(asked.items())
            ]
            paragraphs.append({"id": f"{split}_{n}", "context": context, "qas": qas})
        content = {"version": "v1.0", "data": [{"title": "", "paragraphs": paragraphs}]}
        (directory / f"cmrc2018_{split}.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return directory


class Chinese(NamedTuple):
    """The corpus, read with a tokenizer: its configuration, feed, tokenizer and the layout of a task's inputs."""

    config: Config
    link: Feed
    feed: OpenFeed
    tokenizer: Tokenizer

    def layout(self, max_length: int) -> InputLayout:
        """Return BERT's layout of a pair with these special tokens."""
        frame = self.feed.frame
        return InputLayout(max_length, frame.cls, frame.sep, frame.mask, frame.pad, 1, 1)


@pytest.fixture(scope="session")
def chinese(planned, chinese_files):
    """chinese("bbpe", "doc", unit="whole_word"): the corpus in a tokenizer and a format; all share their artifacts."""
    words = ("corpus=jsonl", "corpus.language=zh", "tokenizer=bbpe", "scale=smoke", "max_length=40", "format=doc")
    places = (f"corpus.path={chinese_files}/zh.jsonl", f"paths.artifacts={chinese_files}/artifacts")
    composed = planned(*words, *places, f"tokenizer.vocab_size={VOCABULARY['bbpe']}", "masking.unit=token")[0].config

    @cache
    def read(tokenizer: str, format_name: str = "doc", unit: str = "token") -> Chinese:
        config = copy.deepcopy(composed)
        config.tokenizer.name, config.tokenizer.vocab_size = tokenizer, VOCABULARY[tokenizer]
        config.format, config.masking.unit = FormatOptions(format_name), unit
        link = feed_of(config)
        return Chinese(config, link, link.open(), load_tokenizer(link.stores.vocabulary.make()))

    return read
