"""Which device a run trains on, what is said where it is not there, and what is left as it was."""

import os
from types import SimpleNamespace

import pytest
import torch
from torch.torch_version import TorchVersion

from nsp_ablation.base.errors import InputError
from nsp_ablation.learning.engine.attention import LENGTH_GROUPS, backend_on
from nsp_ablation.learning.engine.training import one_epoch_trainer
from nsp_ablation.learning.engine.training_device import (
    check_device,
    device_problem,
    generators_kept,
    repeatable,
    torch_device,
)
from nsp_ablation.learning.engine.training_processes import GivenRank
from nsp_ablation.options.trainer_options import TrainerOptions

CUDA, CPU = torch.device("cuda"), torch.device("cpu")


@pytest.fixture
def machine(monkeypatch):
    """machine(gpus=2, bf16=False, mps=True): what torch sees from now on."""

    def has(gpus: int = 0, bf16: bool = True, mps: bool = False, mps_built: bool = True) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: bf16 or including_emulation)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Tesla T4")
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
        monkeypatch.setattr(torch.backends.mps, "is_built", lambda: mps_built)

    return has


def options(accelerator: str, **others) -> TrainerOptions:
    return TrainerOptions(others.pop("name", "cpu"), accelerator=accelerator, **others)


@pytest.mark.parametrize(
    ("accelerator", "seen", "kind"),
    [
        ("cpu", {"gpus": 1, "mps": True}, "cpu"),
        ("gpu", {"gpus": 1}, "cuda"),
        ("mps", {"mps": True}, "mps"),
        ("auto", {"gpus": 1}, "cuda"),
        ("auto", {}, "cpu"),
        ("auto", {"mps": True}, "cpu"),
    ],
)
def test_the_device_is_what_the_accelerator_stands_for(machine, accelerator, seen, kind):
    """`auto` is never Apple's GPU, which would change the numbers of a command from one laptop to the next."""
    machine(**seen)
    assert torch_device(options(accelerator)).type == kind


@pytest.mark.parametrize(
    ("asked", "seen", "words"),
    [
        ({"accelerator": "gpu"}, {}, ("trainer.accelerator=gpu", "no GPU", "set trainer.accelerator=cpu")),
        ({"accelerator": "gpu", "name": "ddp"}, {"mps": True}, ("no GPU", "use trainer=cpu")),
        ({"accelerator": "mps"}, {"gpus": 1}, ("trainer.accelerator=mps", "Apple", "set trainer.accelerator=cpu")),
        ({"accelerator": "mps"}, {"mps_built": False}, ("no mps in this build", "set trainer.accelerator=cpu")),
        ({"accelerator": "gpu", "devices": 8}, {"gpus": 2}, ("trainer.devices=8", "2 GPUs", "set trainer.devices=2")),
        ({"accelerator": "auto", "devices": 2}, {"gpus": 1}, ("trainer.devices=2", "1 GPU ", "trainer.devices=1")),
        (
            {"accelerator": "gpu", "precision": "bf16-mixed"},
            {"gpus": 1, "bf16": False},
            ("trainer.precision=bf16-mixed", "Tesla T4 has no bfloat16", "16-mixed or 32-true"),
        ),
    ],
)
def test_what_a_machine_lacks_is_one_line_with_setting_and_remedy(machine, asked, seen, words):
    machine(**seen)
    with pytest.raises(InputError) as error:
        check_device(options(**asked))
    assert all(word in str(error.value) for word in words), error.value
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ({"accelerator": "cpu", "devices": 8, "precision": "bf16-mixed"}, {"gpus": 2, "bf16": False}),
        ({"accelerator": "gpu", "devices": 2, "precision": "16-mixed"}, {"gpus": 2, "bf16": False}),
        ({"accelerator": "gpu", "devices": 2, "num_nodes": 4, "precision": "bf16-mixed"}, {"gpus": 2}),
        ({"accelerator": "auto", "devices": 2}, {}),
    ],
)
def test_what_a_machine_can_do_is_not_refused(machine, asked, seen):
    machine(**seen)
    assert device_problem(options(**asked)) is None


def test_apples_gpu_takes_the_length_groups():
    assert backend_on(torch.device("mps"), "32-true", 64, 0.1) == LENGTH_GROUPS


def test_a_training_of_one_device_is_on_this_process_own(machine, monkeypatch):
    """Another rank's fine-tuning would else share the first device with the first rank's."""
    machine(gpus=2)
    made = {}
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    monkeypatch.setattr(
        "nsp_ablation.learning.engine.training.pl", SimpleNamespace(Trainer=lambda **parts: made.update(parts))
    )
    one_epoch_trainer(options("auto"), devices=1)
    assert (made["accelerator"], made["devices"]) == ("cuda", [1])
    one_epoch_trainer(options("gpu", devices=2), devices=2)
    assert made["devices"] == 2, "Lightning counts them by rank"


@pytest.mark.parametrize(
    ("version", "kind", "leaves_cudnn"),
    [
        ("2.11.0+cu130", "gpu", False),
        ("2.5.1", "auto", False),
        ("2.12.0", "gpu", True),
        ("2.13.0+cu130", "gpu", True),
        ("3.0.0", "gpu", True),
        ("2.11.0", "cpu", True),
    ],
)
def test_cudnn_attends_only_where_it_drops_what_is_asked(machine, monkeypatch, version, kind, leaves_cudnn):
    machine(gpus=1)
    calls = []
    monkeypatch.setattr(torch, "__version__", TorchVersion(version))
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.backends.cuda, "enable_cudnn_sdp", calls.append)
    monkeypatch.setattr("nsp_ablation.learning.engine.training.pl", SimpleNamespace(Trainer=dict))
    one_epoch_trainer(options(kind), devices=1)
    assert calls == ([] if leaves_cudnn else [False])


def test_auto_trains_on_the_cpu_where_lightning_would_take_apples_gpu(machine):
    machine(mps=True)
    trainer = one_epoch_trainer(options("auto"), devices=1, logger=False, plugins=[GivenRank()])
    assert trainer.strategy.root_device == CPU


def flags() -> tuple:
    memory = torch.utils.deterministic.fill_uninitialized_memory
    return torch.get_deterministic_debug_mode(), memory, os.environ.get("CUBLAS_WORKSPACE_CONFIG")


def test_deterministic_kernels_are_asked_for_on_cuda_and_only_inside(monkeypatch):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    before = flags()
    with repeatable(options("gpu", deterministic=True), CUDA):
        assert flags() == (2, False, ":4096:8"), "errors, no filling"
    assert flags()[:2] == before[:2]
    with pytest.raises(ZeroDivisionError), repeatable(options("gpu", deterministic=True), CUDA):
        1 / 0  # noqa: B018
    assert flags()[:2] == before[:2]


@pytest.mark.parametrize(("asks", "device"), [(True, CPU), (True, torch.device("mps")), (False, CUDA)])
def test_elsewhere_no_kernel_changes(asks, device, monkeypatch):
    """On a CPU some of torch's deterministic kernels round otherwise than the usual ones, which repeat themselves."""
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    before = flags()
    with repeatable(options("auto", deterministic=asks), device):
        assert flags() == before


def test_an_operator_without_a_deterministic_kernel_is_named_with_the_remedy():
    def fails(text: str) -> None:
        with repeatable(options("gpu", deterministic=True), CUDA):
            raise RuntimeError(text)

    with pytest.raises(InputError, match="cumsum_cuda_kernel does not have a .*; set trainer.deterministic=false"):
        fails("cumsum_cuda_kernel does not have a deterministic implementation, but you set 'x'. You can turn it off")
    with pytest.raises(RuntimeError, match="out of memory"):
        fails("CUDA out of memory")


def test_generators_are_as_before_and_cuda_is_not_touched_for_a_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda *_: pytest.fail("initialises CUDA"))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    with generators_kept(CPU):
        torch.rand(7)
    assert torch.equal(torch.rand(4), expected)


def test_apples_generator_is_as_before(monkeypatch):
    states = []
    monkeypatch.setattr(torch.mps, "get_rng_state", lambda: "before")
    monkeypatch.setattr(torch.mps, "set_rng_state", states.append)
    with pytest.raises(ZeroDivisionError), generators_kept(torch.device("mps")):
        1 / 0  # noqa: B018
    assert states == ["before"]
