"""Result records: one fine-tuning (or one zero-shot probe) of one encoder on one task, as JSON."""

import re
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from nsp_ablation.base.errors import DamageError, InputError
from nsp_ablation.base.fingerprint import fingerprint
from nsp_ablation.reporting.records.anonymity import Places, hidden_values, public_values, with_values
from nsp_ablation.reporting.records.digest import FIELD, REMEDY, check_digest, digest_of
from nsp_ablation.reporting.records.older_schemas import READ_SCHEMAS, SCHEMA, as_today
from nsp_ablation.reporting.records.selection_facts import SelectionFacts
from nsp_ablation.reporting.records.training_facts import PretrainingFacts
from nsp_ablation.reporting.records.typed_json import parse

ARMS = ("trained", "random", "external")
STATUSES = ("done", "failed")


@dataclass(frozen=True)
class Condition:
    """What was set. A value that an arm does not have is None (the format of an untrained encoder, say).

    `name` is that of `condition=`, else the format's and the options that differ from its defaults; it tells rows
    apart for readers and identifies nothing.
    """

    name: str | None
    format: str | None
    objective: str | None
    masking: str | None
    copies: int | None
    budget: str | None
    tokenizer: str | None
    model: str | None
    max_length: int | None
    batch: int | None
    updates: int | None
    learning_rate: float | None
    corpus: str | None


@dataclass(frozen=True)
class FinetuningFacts:
    """What a fine-tuning did, and how its recipe was chosen; None where it was given, as in records of schema 3."""

    updates: int
    seconds: float
    selection: SelectionFacts | None = None


@dataclass(frozen=True)
class EncoderReference:
    """An encoder: its path under the artifacts (or its name on the hub) and the SHA-256 of its weights."""

    path: str
    sha256: str


@dataclass(frozen=True)
class Provenance:
    """Where a result comes from. `device` begins with its kind ("cpu ...", "cuda ..."); `dirty` None: no checkout."""

    commit: str | None
    dirty: bool | None
    python: str
    platform: str
    versions: dict[str, str]
    device: str
    attention_backend: str
    time: str


@dataclass(frozen=True, kw_only=True)
class ResultRecord:
    """One result. Metrics are fractions (perplexity and gains in nats as they are); seeds that do not exist are None.

    A failed record has a `reason` and no metrics. `card` is the key of the data card; `omitted` names the optional
    parts that failed or were left out, with the reason; `private` holds what names a person or a machine, and no report
    reads it unless asked to; `origin` names the folder under results that the record was taken over from. `id`,
    `digest` (`digest_of` all other fields), the number of examples and the hashes are filled in where the record is
    written (`RecordFolder`): of the examples' ids, and of the files of scores, of ids and clusters, of items, of
    predictions. A record of schema 3 has neither clusters nor items.
    """

    schema: int = SCHEMA
    id: str = ""
    digest: str = ""
    name: str
    arm: str
    condition: Condition
    science: str
    card: str | None = None
    pretraining_seed: int | None
    finetuning_seed: int | None
    task: str
    status: str
    reason: str | None = None
    metrics: dict[str, float] | None = None
    primary_metric: str | None = None
    chance: float | None = None
    majority: float | None = None
    bag_of_words: float | None = None
    num_examples: int | None = None
    examples_sha256: str | None = None
    scores_sha256: str | None = None
    ids_sha256: str | None = None
    items_sha256: str | None = None
    predictions_sha256: str | None = None
    omitted: dict[str, str] = field(default_factory=dict)
    pretraining: PretrainingFacts | None = None
    finetuning: FinetuningFacts | None = None
    encoder: EncoderReference | None = None
    made_from: list[str] | None = None
    origin: str | None = None
    config: dict[str, Any]
    provenance: Provenance
    private: dict[str, Any] = field(default_factory=dict)

    @property
    def has_items(self) -> bool:
        """Whether its folder keeps clusters and items of its examples, since schema 4."""
        return self.schema >= 4

    def sealed(self, record_id: str) -> "ResultRecord":
        """Return the record with its id and its digest, as it is written."""
        named = replace(self, id=record_id)
        return replace(named, digest=digest_of(asdict(named)))

    def anonymous(self, places: Places) -> "ResultRecord":
        """Return the record without what names a person or a machine, which `private` then holds."""
        data = asdict(self)
        private = data.pop("private")
        hidden = hidden_values(data, places)
        if not hidden:
            return self
        values = hidden | private.get("values", {})
        return parse(ResultRecord, {**public_values(data, places), "private": private | {"values": values}}, self.id)

    def restored(self) -> "ResultRecord":
        """Return the record with all that `anonymous` took out."""
        return parse(ResultRecord, with_values(asdict(self), self.private.get("values", {})), self.id)

    @classmethod
    def from_json(cls, data: Any, source: Path | str) -> "ResultRecord":
        """Read a record from JSON values; `source` is named in errors.

        Raises DamageError for an unknown or missing field, at any depth, for a value of a wrong type, for a digest that
        is not that of the values, and for a record that contradicts itself; InputError for a schema that is not read.
        """
        if isinstance(data, dict) and data.get("schema", SCHEMA) not in READ_SCHEMAS:
            remedy = "run its cell again" if is_older(data, source) else "update this program"
            read = ", ".join(map(str, READ_SCHEMAS))
            raise InputError(f"{source}: schema={data['schema']}, but this version reads schemas {read}; {remedy}")
        record = parse(cls, as_today(data), source)
        check_digest(data, source)
        if contradiction := find_contradiction(record):
            raise DamageError(f"{source}: {contradiction}; {REMEDY}")
        return record


def is_older(data: Any, source: Path | str) -> bool:
    """Say whether JSON values are a record or manifest too old to be read; a manifest of schema 1 has no schema.

    Raises DamageError where they have a digest and are of no version of it: schema 1 and 2 had none.
    """
    schema = data.get("schema", SCHEMA if FIELD in data else 1) if isinstance(data, dict) else SCHEMA
    if schema not in READ_SCHEMAS and FIELD in data:
        check_digest(data, source)
    return isinstance(schema, int) and schema < min(READ_SCHEMAS)


def find_contradiction(record: ResultRecord) -> str | None:
    """Return what is wrong with a record in itself, None if nothing is."""
    if record.arm not in ARMS:
        return f"arm={record.arm} is none of {', '.join(ARMS)}"
    if record.status not in STATUSES:
        return f"status={record.status} is none of {', '.join(STATUSES)}"
    if record.status == "failed":
        if not record.reason:
            return "status=failed without a reason"
        return "status=failed with metrics" if record.metrics is not None else None
    if record.reason is not None:
        return "status=done with a reason for failure"
    if not record.metrics or record.primary_metric not in record.metrics:
        return f"primary_metric={record.primary_metric} is not among the metrics"
    if None in (record.num_examples, record.examples_sha256, record.scores_sha256, record.predictions_sha256):
        return "status=done without num_examples, examples_sha256, scores_sha256 or predictions_sha256"
    if record.has_items and None in (record.ids_sha256, record.items_sha256):
        return "status=done without ids_sha256 or items_sha256"
    return None


def record_id(
    arm: str,
    condition: Condition,
    task: str,
    pretraining_seed: int | None,
    finetuning_seed: int | None,
    *,
    science: str,
    encoder: str,
    content: Any,
) -> str:
    """Return the readable, unique name of a result, known before it is computed.

    For example `full-mlm-dynamic-squad1-p1-f1-0a1b2c3d`; the last part hashes `science`, `encoder` (its key;
    of an external one its path or hub name, which then begins the id) and `content` (JSON values that name all else
    that the result depends on).
    """
    if arm == "trained":
        copies = f"_x{condition.copies}" if condition.copies and condition.copies > 1 else ""
        parts = [condition.format, condition.objective, f"{condition.masking}{copies}"]
    else:
        parts = [arm, condition.model if arm == "random" else Path(encoder).name]
    parts.append(task)
    parts += [
        f"{letter}{seed}" for letter, seed in (("p", pretraining_seed), ("f", finetuning_seed)) if seed is not None
    ]
    parts.append(fingerprint([science, encoder, content])[:8])
    return "-".join(re.sub(r"[^A-Za-z0-9_.]+", "_", str(part)) for part in parts if part)
