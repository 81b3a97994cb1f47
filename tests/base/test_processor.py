"""The processor's model, by what Linux or Python know of it."""

import platform

import pytest

from nsp_ablation.base.processor import processor_name

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
