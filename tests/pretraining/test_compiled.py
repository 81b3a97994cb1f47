"""The compiled inner module: the same results, and no graph more for each micro-batch of a fixed number of tokens."""

import pytest
import torch
from torch._dynamo.testing import CompileCounterWithBackend

from nsp_ablation.learning.pretraining.objective import update_share

# Dynamo asks every tensor for its gradient, and hides the warning with a filter that "error" overrules.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning")]
LENGTHS = ([7, 24, 3, 24], [20, 4, 4, 9, 11], [24, 2], [5, 5, 5, 6, 7, 8], [23, 22, 3])


@pytest.mark.parametrize("checkpoints_layers", [False, True])
def test_a_compiled_model_trains_alike_and_stops_compiling(make_model, make_batch, frame, checkpoints_layers):
    torch._dynamo.reset()
    plain, compiled = make_model(dropout=0.0), make_model(dropout=0.0)
    counter = CompileCounterWithBackend("aot_eager")
    plain.checkpoints_layers = compiled.checkpoints_layers = checkpoints_layers
    compiled.compile(backend=counter)
    assert compiled.state_dict().keys() == plain.state_dict().keys()
    frames = []
    for seed, lengths in enumerate(LENGTHS):
        batch = make_batch(lengths, seed=seed).padded(64, frame.max_length)
        gradients = []
        for model in (plain, compiled):
            model.zero_grad()
            loss = update_share(*model(batch), batch).total
            loss.backward()
            gradients.append({name: parameter.grad for name, parameter in model.named_parameters()})
        torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-4, atol=1e-6)
        frames.append(counter.frame_count)
    assert frames[0] > 0
    assert frames[2:] == [frames[2]] * 3
