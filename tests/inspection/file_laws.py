"""The laws of the inspection file, judged by its header and rows alone, all samples of an epoch being in it.

Source: Liu et al. 2019, sections 4.1 and 4.2, under the default decisions of README's fidelity table (15 % of the
tokens, 80/10/10, an exact count; blocks packed in corpus order). Each law raises LawBroken with its name and the
sample.
"""

from itertools import pairwise
from math import sqrt

HEADER = {
    *("format", "masking", "copies", "objective", "seed", "epoch", "max_length", "store", "num_documents"),
    *("num_sentences", "num_tokens", "special_token_ids", "vocab_size"),
}
COLUMNS = ("input_ids", "masked_input_ids", "token_type_ids", "special_tokens_mask", "labels")
ROW = {"sample", *COLUMNS, "is_random_next", "is_swapped", "spans", "segment_spans"}
PAIRS = ("segment_pair", "sentence_pair")
NUM_DEVIATIONS = 5  # of a binomial: one run in two million is refused by chance
DOCUMENT, FIRST, END, START, STOP = range(5)  # of a span: its document, its sentences, its tokens


class LawBroken(AssertionError):
    """A law does not hold."""


def check(header, rows, sentence_lengths=None):
    """Check every law. `sentence_lengths` {sentence: tokens} makes the law of block ends exact (`lengths_in`)."""
    is_pair = header["format"] in PAIRS
    check_fields(header, rows)
    for row in rows:
        check_frame(header, row)
        check_masks(header, row)
    check_replacements(header, rows)
    check_numbering(header, rows)
    num_separators = check_layout(rows, is_pair)
    for row in rows:
        check_token_types(row, is_pair, num_separators)
    if is_pair:
        check_pairs(header, rows)
    else:
        check_blocks(header, rows, num_separators == "sentences", sentence_lengths or {})


def require(holds, law, row=None):
    if not holds:
        raise LawBroken(law if row is None else f"{law} (sample {row['sample']})")


def check_fields(header, rows):
    require(set(header) == HEADER, "header fields")
    require((header["masking"] == "static") == (header["copies"] is not None), "copies are of static masks")
    require(header["objective"] == "mlm" or header["format"] in PAIRS, "objective needs pairs")
    for number, row in enumerate(rows):
        require(set(row) == ROW, "row fields", row)
        require(row["sample"] == number, "samples are numbered in order", row)
        require(len({len(row[name]) for name in COLUMNS}) == 1, "columns are of one length", row)


def check_frame(header, row):
    """[CLS] opens, [SEP] closes, nothing pads, and the special tokens mask is just these two."""
    ids, special = header["special_token_ids"], row["special_tokens_mask"]
    tokens = row["input_ids"]
    require(len(tokens) <= header["max_length"], "at most T tokens", row)
    require(tokens[0] == ids["cls"] and tokens.count(ids["cls"]) == 1, "[CLS] opens", row)
    require(tokens[-1] == ids["sep"], "[SEP] closes", row)
    require(not {ids["mask"], ids["pad"]} & set(tokens), "no [MASK] and no padding before masking", row)
    require(special == [int(token in (ids["cls"], ids["sep"])) for token in tokens], "special_tokens_mask", row)
    require(all(0 <= token < header["vocab_size"] for token in tokens), "ids are below vocab_size", row)


def check_masks(header, row):
    """15 % of the ordinary tokens, at least one; labels and masked ids agree with the input."""
    ids = set(header["special_token_ids"].values())
    ordinary = row["special_tokens_mask"].count(0)
    targets = [label != -100 for label in row["labels"]]
    require(sum(targets) == max(1, round(0.15 * ordinary)), "number of targets", row)
    columns = (row[name] for name in ("input_ids", "masked_input_ids", "labels", "special_tokens_mask"))
    for before, after, label, special, target in zip(*columns, targets, strict=True):
        require(not (target and special), "special tokens are no targets", row)
        require(label in (-100, before), "labels are the ids before masking", row)
        require(target or before == after, "only targets change", row)
        is_ordinary = after not in ids and 0 <= after < header["vocab_size"]
        is_mask = after == header["special_token_ids"]["mask"]
        require(not target or is_mask or is_ordinary, "random tokens are no special ones", row)


def check_replacements(header, rows):
    """80 % [MASK], 10 % random, 10 % kept, within the bounds of a binomial."""
    mask = header["special_token_ids"]["mask"]
    triples = [triple for row in rows for triple in zip(row["masked_input_ids"], row["labels"], strict=True)]
    targets = [(after, label) for after, label in triples if label != -100]
    num_hidden = sum(after == mask for after, _ in targets)
    num_kept = sum(after == label for after, label in targets)
    for count, share in ((num_hidden, 0.8), (num_kept, 0.1), (len(targets) - num_hidden - num_kept, 0.1)):
        require(is_binomial(count, len(targets), share), "80/10/10")


def is_binomial(count, number, share):
    return abs(count - number * share) <= NUM_DEVIATIONS * sqrt(number * share * (1 - share)) + 1


def check_numbering(header, rows):
    """Spans lie in the store, and documents, sentences and tokens are numbered in one order."""
    sentence_at, document_of = {}, {}
    for row in rows:
        for document, first, end, start, stop in row["spans"]:
            is_inside = end <= header["num_sentences"] and stop <= header["num_tokens"]
            require(
                0 <= document < header["num_documents"] and first >= 0 and start >= 0, "spans lie in the store", row
            )
            require(is_inside and first < end and start < stop, "spans lie in the store", row)
            for token, sentence in ((start, first), (stop - 1, end - 1)):
                require(sentence_at.setdefault(token, sentence) == sentence, "a token is in one sentence", row)
                require(document_of.setdefault(sentence, document) == document, "a sentence is in one document", row)
    for numbers in (sentence_at, document_of):
        ordered = [numbers[place] for place in sorted(numbers)]
        require(ordered == sorted(ordered), "numbers ascend together")


def runs_of(row):
    """Return [tokens, separators after them] of each stretch of ordinary tokens."""
    runs = []
    for before, special in pairwise([1, *row["special_tokens_mask"][1:]]):
        if not special:
            if before:
                runs.append([0, 0])
            runs[-1][0] += 1
        elif runs:
            runs[-1][1] += 1
    return runs


def check_layout(rows, is_pair):
    """Spans and separators make up the row, in one way throughout the file; return that way.

    Pairs have 1 or 2 separators after A; single sequences one between documents, or ("sentences") one after each
    sentence and one more between documents.
    """
    ways = (1, 2) if is_pair else (1, "sentences")
    broken = [next((row for row in rows if not is_laid_out(row, way)), None) for way in ways]
    require(None in broken, "spans and separators make up the input", broken[0])
    return ways[broken.index(None)]


def is_laid_out(row, way):
    lengths = [span[STOP] - span[START] for span in row["spans"]]
    runs = runs_of(row)
    if way != "sentences":
        separators = [*[way] * (len(lengths) - 1), 1]
        return runs == [list(pair) for pair in zip(lengths, separators, strict=True)]
    for span, length in zip(row["spans"], lengths, strict=True):
        sentences, runs = runs[: span[END] - span[FIRST]], runs[span[END] - span[FIRST] :]
        separators = [*[1] * (span[END] - span[FIRST] - 1), 2 if runs else 1]
        if sum(run[0] for run in sentences) != length or [run[1] for run in sentences] != separators:
            return False
    return not runs


def check_token_types(row, is_pair, num_separators):
    """Type 1 is B and its separator, everything else is type 0."""
    length, num_first = len(row["input_ids"]), len(row["input_ids"])
    if is_pair:
        num_first = 1 + row["spans"][0][STOP] - row["spans"][0][START] + num_separators
    require(row["token_type_ids"] == [0] * num_first + [1] * (length - num_first), "token types", row)


def check_blocks(header, rows, has_sentence_separators, sentence_lengths):
    """FULL and DOC: every token once, whole sentences, blocks that end only where the next sentence does not fit."""
    max_length, is_doc = header["max_length"], header["format"] == "doc"
    first, end = document_borders(rows)
    for row in rows:
        require((row["is_random_next"], row["is_swapped"], row["segment_spans"]) == (None,) * 3, "no pairs", row)
        require(not is_doc or len(row["spans"]) == 1, "DOC never crosses a document border", row)
        for before, after in pairwise(row["spans"]):
            is_border = before[END] == end[before[DOCUMENT]] and after[FIRST] == first[after[DOCUMENT]]
            require(before[DOCUMENT] != after[DOCUMENT] and is_border, "FULL goes on at a document border", row)
    spans = sorted((span for row in rows for span in row["spans"]), key=lambda span: span[START])
    require((spans[0][START], spans[-1][STOP]) == (0, header["num_tokens"]), "every token once")
    require(all(before[STOP] == after[START] for before, after in pairwise(spans)), "every token once")
    require({span[DOCUMENT] for span in spans} == set(range(header["num_documents"])), "every document is there")
    for row, following in pairwise(rows):
        last, coming = row["spans"][-1], following["spans"][0]
        if coming[FIRST] == last[END] - 1 and coming[DOCUMENT] == last[DOCUMENT]:
            is_piece = len(row["spans"]) == 1 and last[END] - last[FIRST] == 1 and len(row["input_ids"]) == max_length
            require(is_piece, "sentences are whole unless longer than T", row)
        crosses = last[DOCUMENT] != coming[DOCUMENT]
        unit = coming[STOP] - coming[START]  # of its first sentence alone, where that is known
        if coming[FIRST] != last[END] - 1:
            unit = min(unit, sentence_lengths.get(coming[FIRST], unit))
        needed = min(unit, max_length - 2) + has_sentence_separators + crosses
        is_full = len(row["input_ids"]) + needed > max_length
        require(is_full or (is_doc and crosses), "a block ends where the next sentence does not fit", row)


def document_borders(rows):
    """Return the first sentence of each document and the one after its last, as far as the file shows them."""
    first, end = {}, {}
    for row in rows:
        for span in row["spans"]:
            first[span[DOCUMENT]] = min(span[FIRST], first.get(span[DOCUMENT], span[FIRST]))
            end[span[DOCUMENT]] = max(span[END], end.get(span[DOCUMENT], 0))
    return first, end


def check_pairs(header, rows):
    is_sop, is_segment = header["objective"] == "mlm_sop", header["format"] == "segment_pair"
    _, ends = document_borders(rows)
    former_start, used_until = -1, 0
    for row in rows:
        label, other = (row["is_swapped"], row["is_random_next"])[:: 1 if is_sop else -1]
        require((row["segment_spans"], len(row["spans"])) == (1, 2), "a pair is two spans", row)
        require(label in (0, 1) and other is None, "the label is the objective's", row)
        a, b = row["spans"][::-1] if is_sop and label else row["spans"]
        follows = is_sop or not label
        require(follows == (a[DOCUMENT] == b[DOCUMENT]), "the label agrees with the documents", row)
        is_short = len(row["input_ids"]) < header["max_length"]
        if follows:
            require(a[STOP] <= b[START], "B stands after A in the text", row)
            require(not is_short or (a[STOP], a[END]) == (b[START], b[FIRST]), "B is what follows A", row)
        require(a[START] > former_start, "A goes through the corpus", row)
        former_start = a[START]
        if is_segment:
            require(a[START] >= used_until, "no token is used twice", row)
            used_until = b[STOP] if follows else a[STOP]
            require(not is_short or b[END] >= ends[b[DOCUMENT]], "a pair fills T or ends a document", row)
        else:
            require(a[END] - a[FIRST] == b[END] - b[FIRST] == 1, "a segment is one sentence", row)
            require(not follows or b[FIRST] == a[FIRST] + 1, "B is what follows A", row)
    check_chance(rows, ends, is_sop, is_segment)


def check_chance(rows, ends, is_sop, is_segment):
    """Labels are a fair coin where there is a choice; BERT's builder adds pairs that have none."""
    labels = [row["is_swapped"] if is_sop else row["is_random_next"] for row in rows]
    if not is_sop and is_segment:
        low = len(labels) / 2 - NUM_DEVIATIONS * sqrt(len(labels)) / 2
        require(low <= sum(labels) < len(labels), "half of the labels or more are 1")
        return
    if not is_sop:  # the last sentence of a document has no choice
        firsts = [row["spans"][0] for row in rows]
        labels = [label for label, a in zip(labels, firsts, strict=True) if a[END] < ends[a[DOCUMENT]]]
    require(is_binomial(sum(labels), len(labels), 0.5), "labels are a fair coin")


def lengths_in(header, rows):
    """Return {sentence: tokens} as a SENTENCE-PAIR file of the same store shows them, where no pair was trimmed."""
    assert header["format"] == "sentence_pair"
    shorter = [row for row in rows if len(row["input_ids"]) < header["max_length"]]
    return {span[FIRST]: span[STOP] - span[START] for row in shorter for span in row["spans"]}
