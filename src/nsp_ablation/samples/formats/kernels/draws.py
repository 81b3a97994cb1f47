"""Random draws inside the compiled kernels: `base.randomness`, made callable from numba, and what is built on it.

Every function also runs in plain Python; its uint64 arguments are numpy scalars or arrays there.
"""

import numpy as np
from numba.extending import register_jitable

from nsp_ablation.base import randomness

HALF = np.uint64(1 << 63)  # a uniform 64-bit number lies below it with p = .5

_LOW_32 = np.uint64(0xFFFFFFFF)
_SHIFT_32 = np.uint64(32)

mix64 = register_jitable(randomness.mix64)
draw64 = register_jitable(randomness.draw64)
sample_key = register_jitable(randomness.sample_key)


@register_jitable
def below(bits, num_values):
    """Return `bits * num_values >> 64`: a uniform number (uint64) in [0, num_values) from 64 random bits.

    num_values is uint64 below 2**32, so neither product overflows; a value's probability is off by at most 2**-64.
    """
    low = ((bits & _LOW_32) * num_values) >> _SHIFT_32
    return ((bits >> _SHIFT_32) * num_values + low) >> _SHIFT_32


@register_jitable
def other_document(num_documents, document, bits):
    """Return a document (int64) uniform over all but `document`; `num_documents` is at least 2, `bits` uint64.

    BERT's builder draws from all documents, at most ten times, until it is another one.
    """
    other = np.int64(below(bits, np.uint64(num_documents - 1)))
    return other + (other >= document)


@register_jitable
def sentence_within(document_offsets, document, bits):
    """Return a sentence (int64) uniform over those of `document`; document_offsets (D + 1,) int64, `bits` uint64."""
    first = document_offsets[document]
    return first + np.int64(below(bits, np.uint64(document_offsets[document + 1] - first)))
