"""An artifact that was cut short or edited since it was built is refused with its name, before anything uses it."""

import pytest

KINDS = {
    "corpus": "corpora/*/documents.jsonl",
    "tokenizer": "tokenizers/*/tokenizer.json",
    "store": "stores/*/train/ids.npy",
    "borders": "stores/*/train/sentence_offsets.npy",
    "index": "indexes/*/spans.npy",
    "encoder": "encoders/*/model.safetensors",
}


@pytest.mark.slow
def test_a_damaged_artifact_is_named(nsp, tmp_path):
    command = ("stage=pretrain", "scale=smoke", "format=full")
    assert nsp(*command).status == 0
    for kind, pattern in KINDS.items():
        used = command if kind == "encoder" else ("stage=inspect", "scale=smoke", "format=full")
        for path in (tmp_path / "artifacts").glob(pattern):  # two indexes: of training and of held-out documents
            whole = path.read_bytes()
            for damaged in (whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1])):
                path.write_bytes(damaged)
                ended = nsp(*used)
                errors = [line for line in ended.err.splitlines() if line.startswith("error: ")]
                assert (ended.status, len(errors)) == (1, 1), kind
                assert str(path.relative_to(tmp_path)) in errors[0], kind
            path.write_bytes(whole)
            assert nsp(*used).status == 0, kind
