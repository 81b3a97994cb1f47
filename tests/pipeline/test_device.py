"""The device that records name: the kind first, then the processor's model."""

import platform

from nsp_ablation.options.trainer_options import TrainerOptions
from nsp_ablation.pipeline.device import device_name


def test_a_record_names_kind_model_machine_and_threads(monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr("nsp_ablation.pipeline.device.processor_name", lambda: "AMD EPYC 7B13")
    monkeypatch.setattr("torch.get_num_threads", lambda: 3)
    assert device_name(TrainerOptions(name="cpu", accelerator="cpu")) == "cpu AMD EPYC 7B13 (x86_64), 3 threads"
