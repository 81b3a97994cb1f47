"""Speed, FLOPs, peaks and memory: the figures of the log and of a dry run."""

from types import SimpleNamespace

import pytest
import torch

from nsp_ablation.learning.cost.training_cost import EncoderSize, Work, forward_flops, training_flops
from nsp_ablation.learning.engine import training_progress
from nsp_ablation.learning.engine.device_peak import device_peak, gemm_flops, published_peak
from nsp_ablation.learning.engine.training_progress import Speed, SpeedMeter
from nsp_ablation.options.trainer_options import DEVICES

BERT_BASE = EncoderSize(num_layers=12, hidden_size=768, intermediate_size=3072, vocab_size=30522)


@pytest.fixture
def clock(monkeypatch):
    seconds = iter([10.0, 14.0])
    monkeypatch.setattr(training_progress, "time", SimpleNamespace(monotonic=lambda: next(seconds)))


def test_a_meter_gives_rates_of_all_ranks_and_the_share_of_one_devices_peak(clock):
    meter = SpeedMeter(num_ranks=2, peak_flops=1000.0)
    meter.add(num_tokens=60, num_computed=64, flops=500.0)
    meter.add(num_tokens=20, num_computed=64, flops=300.0)
    assert meter.speed() == Speed(tokens_per_second=2 * 80 / 4, mfu=800 / 4 / 1000, padding=1 - 80 / 128)


def test_without_a_known_peak_there_is_no_mfu(clock):
    meter = SpeedMeter(num_ranks=1, peak_flops=None)
    assert meter.speed() == Speed(0.0, None, 0.0)


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (Speed(84_321.0, 0.416, 0.0), "84.3k tokens/s  MFU 42%  padding 0%"),
        (Speed(810.0, None, 0.25), "810 tokens/s  padding 25%"),
    ],
)
def test_speed_in_words(shown, text):
    assert shown.text() == text


def test_flops_are_palms_where_every_token_is_predicted_in_sequences_of_one_length():
    """6 N + 12 L H Q T a token (Chowdhery et al. 2022, appendix B), H Q being the hidden size."""
    length, hidden = 512, 768
    matrices = 12 * (4 * hidden**2 + 2 * hidden * 3072) + hidden**2 + hidden * 30522
    work = Work(num_tokens=10 * length, attended=10 * length**2, num_predictions=10 * length, num_pairs=0)
    expected = (6 * matrices + 12 * 12 * hidden * length) * 10 * length
    assert training_flops(BERT_BASE, work) == expected
    assert forward_flops(BERT_BASE, work) == expected / 3


def test_short_sequences_and_few_predictions_cost_less():
    base = Work(1024, 2 * 512**2, 154, 0)
    assert forward_flops(BERT_BASE, Work(1024, 8 * 128**2, 154, 0)) < forward_flops(BERT_BASE, base)
    saved = forward_flops(BERT_BASE, Work(1024, 2 * 512**2, 1024, 0)) - forward_flops(BERT_BASE, base)
    assert saved == (1024 - 154) * 2 * (768**2 + 768 * 30522)


@pytest.mark.parametrize(
    ("name", "precision", "tflops"),
    [
        ("NVIDIA A100-SXM4-80GB", "bf16-mixed", 312.0),
        ("NVIDIA A100-SXM4-80GB", "32-true", 19.5),
        ("NVIDIA H100 80GB HBM3", "bf16-mixed", 989.4),
        ("NVIDIA H100 PCIe", "bf16-mixed", 756.0),
        ("NVIDIA L40S", "bf16-mixed", 362.1),
        ("NVIDIA L4", "bf16-mixed", 121.0),
        ("Tesla V100-SXM2-32GB", "16-mixed", 125.0),
        ("NVIDIA GeForce RTX 4090", "bf16-mixed", 165.2),
        ("NVIDIA H200", "bf16-mixed", 989.4),
        ("NVIDIA H200 NVL", "bf16-mixed", 835.5),
        ("NVIDIA H100 NVL", "32-true", 60.0),
        ("NVIDIA GH200 480GB", "bf16-mixed", 989.4),
        ("NVIDIA GH200 144G HBM3e", "32-true", 66.9),
        ("NVIDIA B200", "bf16-mixed", 2250.0),
        ("NVIDIA GeForce RTX 5090", "bf16-mixed", 209.5),
        ("NVIDIA A30", "bf16-mixed", 165.0),
        ("NVIDIA A10G", "bf16-mixed", 70.0),
        ("NVIDIA A10", "bf16-mixed", 125.0),
        ("NVIDIA RTX 6000 Ada Generation", "32-true", 91.1),
        ("NVIDIA A100 80GB PCIe", "bf16-mixed", 312.0),
        ("Tesla V100-PCIE-16GB", "16-mixed", 112.0),
        ("Tesla V100S-PCIE-32GB", "16-mixed", 130.0),
        ("Tesla T4", "16-mixed", 65.1),
    ],
)
def test_the_peak_of_a_gpu_is_found_by_its_name(name, precision, tflops):
    assert published_peak(name, precision) == pytest.approx(tflops * 1e12)


@pytest.mark.parametrize(
    "variant", ["Ti", "D", "SUPER", "Laptop GPU", "Max-Q", "XL", "MIG 1g.10gb", "80GB MIG 3g.40gb", "-48Q", "NVLink2"]
)
@pytest.mark.parametrize("maker", ["NVIDIA", "NVIDIA GeForce", "Tesla", ""])
def test_a_variant_that_the_table_lacks_is_not_taken_for_its_namesake(maker, variant):
    """A slice of a device has a part of its peak, a laptop's a half: no MFU is better than a wrong one."""
    assert {published_peak(f"{maker} {name} {variant}", "bf16-mixed") for name in DEVICES} == {None}


@pytest.mark.parametrize(
    "name", ["Some A1000 of tomorrow", "A1", "A1000", "RTX 309", "AMD Instinct MI300X", "NVIDIA", ""]
)
def test_an_unknown_gpu_has_no_peak(name):
    assert published_peak(name, "bf16-mixed") is None


@pytest.mark.parametrize("form", ["{}", "NVIDIA {}", "NVIDIA GeForce {}", "Tesla {}", "NVIDIA {} 80GB"])
def test_each_gpu_of_the_table_is_found_by_its_own_name(form):  # none by a shorter one
    for name, (half, full) in DEVICES.items():
        assert published_peak(form.format(name), "32-true") == full * 1e12, name
        assert published_peak(form.format(name), "16-mixed") == half * 1e12, name


def test_the_peak_of_a_cpu_is_measured():
    peak = device_peak(torch.device("cpu"), "32-true")
    assert peak is not None
    assert peak == device_peak(torch.device("cpu"), "32-true")  # once
    assert 1e8 < peak < 1e14


def test_what_is_multiplied_is_random_and_torchs_generator_stays(monkeypatch):
    """A device takes less power, and so runs faster, where bits do not change: ones give a peak that none reaches."""
    seen, state = [], torch.get_rng_state()
    monkeypatch.setattr(torch, "mm", lambda left, right: seen.extend((left, right)))
    gemm_flops(torch.device("cpu"), torch.bfloat16, 64, repeats=1)
    left, right = (matrix.float() for matrix in seen)
    assert left.shape == right.shape == (64, 64)
    assert all(matrix.unique().numel() > 100 and 0.5 < float(matrix.std()) < 2 for matrix in (left, right))
    assert not torch.equal(left, right)
    assert torch.equal(torch.get_rng_state(), state)
