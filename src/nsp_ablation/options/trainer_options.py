"""The machine of a run, and the GPUs whose peak is known."""

from dataclasses import dataclass

from nsp_ablation.options.setting import REQUIRED, machine, science

# Dense TFLOP/s of (half precision with fp32 accumulation on tensor cores, fp32 outside them), by the name that torch
# gives a device less maker, brand, memory and form (`engine/device_peak.py`). Sources: NVIDIA's data sheets of H100
# (SXM, PCIe, NVL), H200, GH200, HGX B200 and B300, GB200 and GB300 NVL72, A100, A30, A40, A10, L4, L40, L40S,
# RTX A6000, RTX 6000 Ada, V100 and T4, where tensor rates with sparsity are halved; H800, A800 and H20 (their
# restricted forms for export), A10G (AWS's form of the A10); the GA102, AD102 and GB202 white papers for GeForce.
# V100 and T4 have no bf16: theirs is fp16's.
DEVICES: dict[str, tuple[float, float]] = {
    "GB300": (2500.0, 80.0),
    "B300": (2250.0, 75.0),
    "GB200": (2500.0, 80.0),
    "B200": (2250.0, 75.0),
    "GH200": (989.4, 66.9),
    "H200": (989.4, 66.9),
    "H200 NVL": (835.5, 60.0),
    "H100": (989.4, 66.9),
    "H100 PCIe": (756.0, 51.2),
    "H100 NVL": (835.5, 60.0),
    "H800": (989.4, 66.9),
    "H800 PCIe": (756.0, 51.2),
    "H20": (148.0, 44.0),
    "A100": (312.0, 19.5),
    "A800": (312.0, 19.5),
    "A40": (149.7, 37.4),
    "A30": (165.0, 10.3),
    "A10": (125.0, 31.2),
    "A10G": (70.0, 35.0),
    "RTX A6000": (154.8, 38.7),
    "RTX 6000 Ada": (364.2, 91.1),
    "L40S": (362.1, 91.6),
    "L40": (181.0, 90.5),
    "L4": (121.0, 30.3),
    "RTX 5090": (209.5, 104.8),
    "RTX 4090": (165.2, 82.6),
    "RTX 3090": (71.2, 35.6),
    "V100": (125.0, 15.7),
    "V100 PCIe": (112.0, 14.0),
    "V100S": (130.0, 16.4),
    "T4": (65.1, 8.1),
}


@dataclass
class TrainerOptions:
    """Where a run trains. `precision` is a science setting; the rest changes the speed alone."""

    name: str = machine(REQUIRED, "The kind of machine.")
    accelerator: str = machine(
        "cpu",
        "What computes: gpu is CUDA, mps Apple's, auto CUDA where torch sees it and else the CPU.",
        *("cpu", "gpu", "mps", "auto"),
    )
    devices: int = machine(1, "Devices per machine.", low=1, high=4096)
    num_nodes: int = machine(1, "Machines.", low=1, high=65536)
    precision: str = science(
        "32-true", "Number format of training (row 22).", "32-true", "bf16-mixed", "16-mixed", "64-true"
    )
    accumulation: int = machine(1, "Micro-batches per update and device, at least.", low=1, high=2**24)
    max_tokens: int | None = machine(None, "Real tokens per micro-batch, at most; null: no limit.", low=16, high=2**40)
    deterministic: bool = machine(
        False, "On CUDA the same bits in each run, by slower kernels; a CPU gives them anyway."
    )
    compile: bool = machine(False, "Compile the model with torch.compile.")
    gradient_checkpointing: bool = machine(False, "Keep each layer's input alone: less memory, a third more work.")
    num_workers: int = machine(0, "Processes that assemble batches.", low=0, high=4096)
    progress: bool = machine(True, "Show progress in the terminal.")
    peak_tflops: float | None = machine(
        None, "Peak TFLOP/s of one device, for the MFU; null: by its name, or measured.", low=1e-6, high=1e9
    )
    dry_run: bool = machine(False, "Train nothing and say what the run would cost (as stage=cost).")
    dry_run_device: str | None = machine(None, "GPU whose hours are estimated; null: this machine.", *DEVICES)
    dry_run_mfu: float = machine(0.4, "Share of the peak that is assumed to be reached.", low=0.001, high=1.0)
