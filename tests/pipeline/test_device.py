"""The device that records name: the kind first, then the processor's model."""

import platform

import pytest

from nsp_ablation.options.trainer_options import TrainerOptions
from nsp_ablation.pipeline.device import device_name, processor_name

X86 = """processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: 1
model name\t: AMD EPYC 7B13   64-Core Processor
stepping\t: 0
flags\t\t: fpu vme de pse

processor\t: 1
model name\t: another one
"""
POWER = "processor\t: 0\ncpu\t\t: POWER9, altivec supported\nclock\t\t: 2300.000000MHz\n"
MIPS = "system type\t\t: MT7621\ncpu model\t\t: MIPS 1004Kc V2.15\n"
BOARD = "processor\t: 0\nBogoMIPS\t: 108.00\nCPU part\t: 0xd08\n\nModel\t\t: Raspberry Pi 4 Model B Rev 1.4\n"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (X86, "AMD EPYC 7B13 64-Core Processor"),
        (POWER, "POWER9, altivec supported"),
        (MIPS, "MIPS 1004Kc V2.15"),
        (BOARD, "Raspberry Pi 4 Model B Rev 1.4"),
    ],
)
def test_linux_names_the_model_of_its_first_processor(tmp_path, text, name):
    (tmp_path / "cpuinfo").write_text(text)
    assert processor_name(tmp_path / "cpuinfo") == name


@pytest.mark.parametrize(("known", "name"), [("arm", "arm"), ("", "unknown processor")])
def test_elsewhere_and_where_linux_names_none_it_is_what_python_knows(tmp_path, monkeypatch, known, name):
    monkeypatch.setattr(platform, "processor", lambda: known)
    assert processor_name(tmp_path / "none") == name
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t:\nCPU implementer\t: 0x41\n")
    assert processor_name(tmp_path / "cpuinfo") == name


def test_a_record_names_kind_model_machine_and_threads(monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr("nsp_ablation.pipeline.device.processor_name", lambda facts: "AMD EPYC 7B13")
    monkeypatch.setattr("torch.get_num_threads", lambda: 3)
    assert device_name(TrainerOptions(name="cpu", accelerator="cpu")) == "cpu AMD EPYC 7B13 (x86_64), 3 threads"
