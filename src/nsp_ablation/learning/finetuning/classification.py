"""Classification of a text or a pair of texts from the first token (GLUE: MNLI, SST-2)."""

# B samples, L positions, D hidden, C classes

import numpy as np
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedTokenizerFast

from nsp_ablation.learning.engine.encoder_directory import InputLayout
from nsp_ablation.learning.tasks.examples import TextExample
from nsp_ablation.learning.tasks.features import Features, encode, lay_out
from nsp_ablation.learning.tasks.metrics import accuracy_scores
from nsp_ablation.learning.tasks.scored import Scored


def featurize(examples: list[TextExample], tokenizer: PreTrainedTokenizerFast, layout: InputLayout) -> Features:
    """Return one sample per example: [CLS] A [SEP], or [CLS] A [SEP] B [SEP]; target: labels (N,) int64.

    Texts too long are cut at their ends, the longer one first (BERT).
    """
    texts = [encode(tokenizer, list(column)) for column in zip(*(example.texts for example in examples), strict=True)]
    assert len(texts) in (1, 2), len(texts)
    if len(texts) == 1:
        ids, offsets, second = lay_out([text[: layout.single_room] for text in texts[0]], None, layout)
    else:
        kept = [cut_pair(len(a), len(b), layout.pair_room) for a, b in zip(*texts, strict=True)]
        firsts = [text[:length] for text, (length, _) in zip(texts[0], kept, strict=True)]
        seconds = [text[:length] for text, (_, length) in zip(texts[1], kept, strict=True)]
        ids, offsets, second = lay_out(firsts, seconds, layout)
    labels = np.array([example.label for example in examples], dtype=np.int64)
    return Features(ids, offsets, second, 1, {"labels": labels}, np.arange(len(examples)))


def cut_pair(first: int, second: int, room: int) -> tuple[int, int]:
    """Return the tokens kept of two texts when the longer one loses its last token until both fit (BERT)."""
    kept_second = min(second, max(room - first, room // 2))
    return min(first, room - kept_second), kept_second


class ClassificationHead(nn.Module):
    """One linear layer on the pooled first token."""

    def __init__(self, hidden_size: int, num_labels: int):
        super().__init__()
        self.classes = nn.Linear(hidden_size, num_labels)

    def loss(self, hidden_BLD: Tensor, first_BD: Tensor, batch: dict[str, Tensor]) -> Tensor:
        """Return the mean cross-entropy."""
        return functional.cross_entropy(self.classes(first_BD).float(), batch["labels"])

    def outputs(self, hidden_BLD: Tensor, first_BD: Tensor, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the predicted class `label` (B,)."""
        return {"label": self.classes(first_BD).argmax(dim=1)}


def score(examples: list[TextExample], predicted: np.ndarray, labels: tuple[str, ...]) -> Scored:
    """Score predicted class numbers (num_examples,) by accuracy; predictions are label names."""
    scores = accuracy_scores(predicted, np.array([example.label for example in examples]))
    by_id = {example.id: labels[label] for example, label in zip(examples, predicted, strict=True)}
    return Scored(scores, by_id, {"accuracy": float(scores.mean())}, "accuracy")
