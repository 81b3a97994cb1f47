"""Where the token stores are prepared: in processes of this machine, or as the tasks of an engine."""

from dataclasses import dataclass

from nsp_ablation.options.setting import machine


@dataclass(frozen=True)
class PreparationFacts:
    """`options` are the keys of `PreparationOptions` that this way alone reads, with those of its kin."""

    options: tuple[str, ...] = ()

    @property
    def has_tasks(self) -> bool:
        """Whether an engine runs tasks, a shard each."""
        return "num_tasks" in self.options


_TASKS = ("num_tasks", "num_workers", "show_tasks")
_SLURM = ("partition", "time_limit_minutes", "cpus_per_task", "gigabytes_per_cpu", "sbatch")
PREPARATIONS = {
    "here": PreparationFacts(),
    "datatrove_local": PreparationFacts(_TASKS),
    "datatrove_slurm": PreparationFacts((*_TASKS, *_SLURM)),
}


@dataclass
class PreparationOptions:
    """Where the token stores are prepared. Their bytes are the same everywhere."""

    name: str = machine(
        "here",
        "What makes the shards: processes of this machine, or tasks of datatrove, here or under Slurm (extra cluster).",
        *PREPARATIONS,
    )
    num_tasks: int | None = machine(
        None, "Tasks, a shard each, at most; null: as many as preparation=here has shards.", low=1, high=10**6
    )
    num_workers: int | None = machine(
        None, "Tasks that run at once; null: one per core, under Slurm no limit.", low=1, high=10**5
    )
    show_tasks: bool = machine(
        False, "stage=prepare: only say how many tasks are done, and which failed and why; nothing is started."
    )
    dry_run_gigabytes: float | None = machine(
        None, "stage=cost: size of the text that is to be prepared, in GB (10^9 bytes of UTF-8).", low=1e-6, high=1e9
    )
    partition: str | None = machine(None, "Slurm: partition of the jobs.")
    time_limit_minutes: int = machine(240, "Slurm: time limit of a task, and of the job that joins.", low=1, high=10**6)
    cpus_per_task: int = machine(1, "Slurm: cores of a task.", low=1, high=4096)
    gigabytes_per_cpu: int = machine(4, "Slurm: memory of a core.", low=1, high=4096)
    sbatch: dict[str, str] = machine({}, "Slurm: further options of sbatch, as {account:NAME}.")
