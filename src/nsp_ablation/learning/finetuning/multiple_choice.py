"""Multiple choice: one sequence per option through one linear layer on the first token (RACE; Liu et al. 2019, 5)."""

# B samples, C options, L positions, D hidden

import numpy as np
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedTokenizerFast

from nsp_ablation.learning.engine.encoder_directory import InputLayout
from nsp_ablation.learning.tasks.examples import ChoiceExample
from nsp_ablation.learning.tasks.features import Features, encode, lay_out
from nsp_ablation.learning.tasks.metrics import accuracy_scores
from nsp_ablation.learning.tasks.race_files import LETTERS
from nsp_ablation.learning.tasks.scored import Scored

MAX_QUESTION_ANSWER_TOKENS = 128


def featurize(examples: list[ChoiceExample], tokenizer: PreTrainedTokenizerFast, layout: InputLayout) -> Features:
    """Return one sample of C sequences per example, [CLS] article [SEP] question option [SEP]; target: labels (N,).

    Question and option are cut to 128 tokens, at most T / 4 (PAPER row 24), from the front, so that options stay told
    apart (the paper does not say which end); the article loses its end. Raises ValueError if examples differ in C.
    """
    num_options = len(examples[0].options)
    odd = next((example.id for example in examples if len(example.options) != num_options), None)
    if odd is not None:
        raise ValueError(f"question {odd} has another number of options than the {num_options} of the first one")
    limit = min(MAX_QUESTION_ANSWER_TOKENS, max(1, layout.max_length // 4))
    articles = encode(tokenizer, [example.article for example in examples])
    choices = [filled(example.question, option) for example in examples for option in example.options]
    seconds = [ids[-limit:] for ids in encode(tokenizer, choices)]
    firsts = [articles[row // num_options][: layout.pair_room - len(ids)] for row, ids in enumerate(seconds)]
    ids, offsets, second = lay_out(firsts, seconds, layout)
    labels = np.array([example.label for example in examples], dtype=np.int64)
    return Features(ids, offsets, second, num_options, {"labels": labels}, np.arange(len(examples)))


def filled(question: str, option: str) -> str:
    """Return the question with the option in its blank ("_"), or followed by it (fairseq's RACE preprocessing)."""
    return question.replace("_", option, 1) if "_" in question else f"{question} {option}"


class MultipleChoiceHead(nn.Module):
    """A score per option from its pooled first token; the options of a question compete."""

    def __init__(self, hidden_size: int):
        super().__init__()
        self.option = nn.Linear(hidden_size, 1)

    def loss(self, hidden_BLD: Tensor, first_BD: Tensor, batch: dict[str, Tensor]) -> Tensor:
        """Return the mean cross-entropy over options."""
        return functional.cross_entropy(self._scores_BC(first_BD, batch), batch["labels"])

    def outputs(self, hidden_BLD: Tensor, first_BD: Tensor, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the chosen option `label` (B,)."""
        return {"label": self._scores_BC(first_BD, batch).argmax(dim=1)}

    def _scores_BC(self, first_BD: Tensor, batch: dict[str, Tensor]) -> Tensor:
        return self.option(first_BD).float().view(len(batch["labels"]), -1)


def score(examples: list[ChoiceExample], predicted: np.ndarray) -> Scored:
    """Score chosen options (num_examples,) by accuracy; predictions are letters, as in RACE's files."""
    scores = accuracy_scores(predicted, np.array([example.label for example in examples]))
    by_id = {example.id: LETTERS[label] for example, label in zip(examples, predicted, strict=True)}
    return Scored(scores, by_id, {"accuracy": float(scores.mean())}, "accuracy")
