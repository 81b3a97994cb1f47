"""Slow references, written from the published descriptions with the decisions of the study applied.

Documents are lists of sentences, sentences lists of token ids. A sample is a row of ids with "[CLS]" and "[SEP]".
"""

from nsp_ablation.base import randomness

CLS, SEP = "[CLS]", "[SEP]"


def documents_of(store):
    """Return the documents of a store of numbered tokens."""
    borders = store.sentence_offsets
    return [
        [list(range(borders[s], borders[s + 1])) for s in range(first, end)]
        for first, end in zip(store.document_offsets[:-1], store.document_offsets[1:], strict=True)
    ]


# FULL-SENTENCES and DOC-SENTENCES (Liu et al. 2019, section 4.2)


def blocks(documents, max_length, across_documents, sentence_separator):
    """Put one unit (a sentence, or a piece of one too long) after another; start anew if a row gets too long."""
    units = [
        (number, sentence[start : start + max_length - 2])
        for number, document in enumerate(documents)
        for sentence in document
        for start in range(0, len(sentence), max_length - 2)
    ]
    found, current = [], []
    for unit in units:
        longer = block_row([*current, unit], sentence_separator)
        crosses = bool(current) and current[-1][0] != unit[0]
        if current and (len(longer) > max_length or (crosses and not across_documents)):
            found.append(current)
            current = []
        current = [*current, unit]
    return [block_row(block, sentence_separator) for block in [*found, current]]


def block_row(units, sentence_separator):
    """Write out one block: one more separator between documents, one after each sentence if wanted, one at the end."""
    row = [CLS]
    for i, (document, tokens) in enumerate(units):
        if i > 0 and sentence_separator:
            row.append(SEP)
        if i > 0 and units[i - 1][0] != document:
            row.append(SEP)
        row += tokens
    return [*row, SEP]


# Random draws, by the name of the sentence with which A begins


def splitmix(x):
    """Return the finalizer of SplitMix64 (Steele et al. 2014)."""
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) % 2**64
    return x ^ (x >> 31)


class Draws:
    """The draws of one epoch: what the builders ask for, in exact integers."""

    threshold = 1 << 63  # of 2**64: how often B is random

    def __init__(self, seed, stream, epoch):
        self._epoch_key = int(randomness.epoch_key(seed, randomness.stream(stream), epoch))

    def _bits(self, sentence, counter):
        golden = 0x9E3779B97F4A7C15
        key = splitmix(((self._epoch_key ^ sentence) + golden) % 2**64)
        return splitmix((key + (counter + 1) * golden) % 2**64)

    def _below(self, sentence, counter, number):
        return self._bits(sentence, counter) * number >> 64

    def _is_head(self, sentence, counter):
        return self._bits(sentence, counter) < 1 << 63

    def split(self, sentence, number):
        return self._below(sentence, 0, number)

    def is_random(self, sentence):
        return self._bits(sentence, 1) < self.threshold

    def document(self, sentence, number):
        return self._below(sentence, 2, number)

    def start(self, sentence, number):
        return self._below(sentence, 3, number)

    def is_swapped(self, sentence):
        return self._is_head(sentence, 4)

    def trims_front(self, sentence, i):
        return f"{self._bits(sentence, 5 + i // 64):064b}"[i % 64] == "1"


# SEGMENT-PAIR: create_instances_from_document and truncate_seq_pair of BERT's create_pretraining_data.py


def segment_pairs(documents, room, pair_separators, draws, lone_sentences="random", order="nsp", thresholds=None):
    """Return (row, label) of every pair; label is "is random" or, with order="sop", "is swapped".

    `thresholds` are the documents' own, if they differ.
    """
    pairs, first = [], 0
    for number, document in enumerate(documents):
        if thresholds is not None:
            draws.threshold = thresholds[number]
        if not (lone_sentences == "skip" and len(document) == 1):
            for a, b, label, name in _document_pairs(documents, number, first, room, draws, order):
                if order == "sop" and label is None:
                    continue
                if order == "sop" and draws.is_swapped(name):
                    a, b, label = b, a, True
                a, b = truncate_seq_pair(a, b, room, draws, name)
                pairs.append((pair_row(a, b, pair_separators), label))
        first += len(document)
    return pairs


def _document_pairs(documents, number, first, room, draws, order):
    document = documents[number]
    current_chunk, current_length, i = [], 0, 0
    while i < len(document):
        current_chunk.append(document[i])
        current_length += len(document[i])
        if i == len(document) - 1 or current_length >= room:
            name = first + i - len(current_chunk) + 1
            a_end = 1
            if len(current_chunk) >= 2:
                a_end = 1 + draws.split(name, len(current_chunk) - 1)
            a = [token for sentence in current_chunk[:a_end] for token in sentence]
            if order == "sop":
                b = [token for sentence in current_chunk[a_end:] for token in sentence]
                yield a, b, False if b else None, name
            elif len(current_chunk) == 1 or draws.is_random(name):
                others = documents[:number] + documents[number + 1 :]
                random_document = others[draws.document(name, len(others))]
                b = []
                for sentence in random_document[draws.start(name, len(random_document)) :]:
                    b += sentence
                    if len(b) >= room - len(a):
                        break
                i -= len(current_chunk) - a_end
                yield a, b, True, name
            else:
                b = [token for sentence in current_chunk[a_end:] for token in sentence]
                yield a, b, False, name
            current_chunk, current_length = [], 0
        i += 1


def exact_thresholds(documents, room, draws, lone_sentences):
    """Return each document's threshold under `nsp_balance=exact`, by which half of all pairs are random.

    The threshold is halved down to .001 between one that gives too few random pairs and one that gives too many.
    Documents before a switch take the upper one, the others the lower one; then one document may take 0 or 1 instead.
    Both are where the two kinds of pairs are most nearly equal in number. Raises ValueError if they never can be.
    """

    def balances(threshold):
        draws.threshold = threshold
        found, first = [], 0
        for number, document in enumerate(documents):
            is_skipped = lone_sentences == "skip" and len(document) == 1
            pairs = [] if is_skipped else _document_pairs(documents, number, first, room, draws, "nsp")
            found.append(sum(1 if label else -1 for _, _, label, _ in pairs))
            first += len(document)
        return found

    never, always = 0, 2**64 - 1
    if sum(balances(never)) > 1:
        raise ValueError("too many pairs have no choice")
    low, high = never, always
    while high - low > 2**54:
        middle = (low + high) // 2
        low, high = (middle, high) if sum(balances(middle)) <= 0 else (low, middle)
    lower, upper, number = balances(low), balances(high), len(documents)
    switch = min(range(number + 1), key=lambda place: abs(sum(upper[:place]) + sum(lower[place:])))
    thresholds, chosen = [high] * switch + [low] * (number - switch), upper[:switch] + lower[switch:]
    extreme = never if sum(chosen) > 0 else always
    others = balances(extreme)
    exception = min(range(number), key=lambda place: abs(sum(chosen) - chosen[place] + others[place]))
    if abs(sum(chosen) - chosen[exception] + others[exception]) < abs(sum(chosen)):
        thresholds[exception] = extreme
    return thresholds


def truncate_seq_pair(a, b, room, draws, name):
    a, b, coin = list(a), list(b), 0
    while len(a) + len(b) > room:
        longer = a if len(a) > len(b) else b
        if draws.trims_front(name, coin):
            del longer[0]
        else:
            longer.pop()
        coin += 1
    return a, b


def pair_row(a, b, pair_separators):
    return [CLS, *a, *[SEP] * pair_separators, *b, SEP]


# SENTENCE-PAIR (Liu et al. 2019, section 4.2)


def sentence_pairs(documents, room, pair_separators, draws, pairs="overlapping", lone_sentences="random", order="nsp"):
    """Return (row, label) of every pair, as `segment_pairs` does."""
    found, first = [], 0
    for number, document in enumerate(documents):
        used = set()
        for i, a in enumerate(document):
            name = first + i
            if i in used or (lone_sentences == "skip" and len(document) == 1):
                continue
            following = document[i + 1] if i + 1 < len(document) else None
            if order == "sop" and following is None:
                continue
            if order == "nsp" and (following is None or draws.is_random(name)):
                others = documents[:number] + documents[number + 1 :]
                other = others[draws.document(name, len(others))]
                b, label = other[draws.start(name, len(other))], True
            else:
                b, label = following, False
                if pairs == "disjoint":
                    used.add(i + 1)
            if order == "sop" and draws.is_swapped(name):
                a, b, label = b, a, True
            a, b = truncate_seq_pair(a, b, room, draws, name)
            found.append((pair_row(a, b, pair_separators), label))
        first += len(document)
    return found
