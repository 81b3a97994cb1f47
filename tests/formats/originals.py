"""What the original programs do, written from their published behaviour with all their peculiarities, slow and obvious.

BERT's builder of pairs (create_pretraining_data, Devlin et al. 2019) and fairseq's blocks of tokens (the modes
`complete` and `complete_doc`, Ott et al. 2019). Documents are lists of sentences, sentences lists of token ids; `draw`
is a `random.Random`. `reference.py` holds the same algorithms with the decisions of this study applied.
"""

CLS, SEP = "[CLS]", "[SEP]"
MAX_TRIES = 10


# BERT


def bert_pairs(documents, max_length, short_seq_prob, draw):
    """Return (A, B, label) of every pair of one pass over the documents, which are shuffled first; 1 = "random"."""
    documents = list(documents)
    draw.shuffle(documents)
    pairs = []
    for number in range(len(documents)):
        pairs += bert_pairs_of_document(documents, number, max_length, short_seq_prob, draw)
    return pairs


def bert_pairs_of_document(documents, number, max_length, short_seq_prob, draw):
    """Return (A, B, label) of the pairs of one document, in its order."""
    document, room = documents[number], max_length - 3
    target = draw_target(room, short_seq_prob, draw)
    pairs, chunk, i = [], [], 0
    while i < len(document):
        chunk.append(document[i])
        if i == len(document) - 1 or sum(map(len, chunk)) >= target:
            a_end = draw.randint(1, len(chunk) - 1) if len(chunk) > 1 else 1
            a, rest = flat(chunk[:a_end]), flat(chunk[a_end:])
            is_random = len(chunk) == 1 or draw.random() < 0.5
            if is_random:
                other = documents[draw_document(len(documents), number, draw)]
                rest = random_segment(other, target - len(a), draw)
                i -= len(chunk) - a_end
            pairs.append((*trim(a, rest, room, draw), int(is_random)))
            chunk = []
        i += 1
    return pairs


def draw_target(room, short_seq_prob, draw):
    """Return how many tokens a document's pairs aim at: all that fit, or seldom anything from 2 on."""
    return draw.randint(2, room) if draw.random() < short_seq_prob else room


def draw_document(num_documents, own, draw):
    """Return the document of a random B: any of all; if it is the pair's own, draw again, at most ten times in all."""
    for _ in range(MAX_TRIES):
        drawn = draw.randint(0, num_documents - 1)
        if drawn != own:
            break
    return drawn


def random_segment(document, min_tokens, draw):
    """Return sentences from a random one on, until they hold `min_tokens` tokens or the document ends."""
    segment = []
    for sentence in document[draw.randint(0, len(document) - 1) :]:
        segment += sentence
        if len(segment) >= min_tokens:
            break
    return segment


def trim(a, b, room, draw):
    """Take tokens off the longer segment (B where they are equal), at its front or its back, until both fit."""
    a, b = list(a), list(b)
    while len(a) + len(b) > room:
        (a if len(a) > len(b) else b).pop(0 if draw.random() < 0.5 else -1)
    return a, b


def flat(sentences):
    """Return the tokens of some sentences."""
    return [token for sentence in sentences for token in sentence]


# fairseq


def fairseq_blocks(documents, max_length, mode):
    """Return the rows that fairseq's masked-LM task reads: a [CLS] before each block of at most T - 1 tokens.

    The stream has a separator after every sentence and, between documents, an empty sentence: one more separator.
    `complete` packs the sentences of the stream, the empty ones among them, one after another. `complete_doc` closes
    the block at each empty sentence and leaves that out. In both a sentence may open a block whatever its length.
    """
    stream = []
    for number, document in enumerate(documents):
        stream += [[SEP]] if number else []
        stream += [[*sentence, SEP] for sentence in document]
    blocks, current = [], []
    for sentence in stream:
        ends_document = mode == "complete_doc" and sentence == [SEP]
        if current and (ends_document or len(current) + len(sentence) > max_length - 1):
            blocks.append(current)
            current = []
        if not ends_document:
            current = [*current, *sentence]
    return [[CLS, *block] for block in [*blocks, current] if block]
