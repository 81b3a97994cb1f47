"""Jobs of Slurm, with commands of that name that run each job at once: what is submitted, and what a failure leaves."""

import gzip
import json
import os
import random
import re
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from nsp_ablation.base.errors import InputError
from nsp_ablation.options.corpus_options import CorpusOptions
from nsp_ablation.options.preparation_options import PreparationOptions
from nsp_ablation.text.corpus.piece import whole
from nsp_ablation.text.corpus.source import Source
from nsp_ablation.text.preparation.prepare_in_tasks import prepare_in_tasks
from nsp_ablation.text.preparation.task_states import task_folders, task_states
from nsp_ablation.text.store.build_stores import shards_directory
from nsp_ablation.text.store.store_counts import NearDuplicates

pytest.importorskip("datatrove", reason="the extra cluster is not installed; preparation=datatrove_slurm is not tested")

# Each job's script and arguments are kept, and a job that follows one that failed is not run (afterok).
SBATCH = """#!/bin/bash
cd "$(dirname "$0")/../jobs"
job=$((100 + $(ls *.slurm 2> /dev/null | wc -l)))
echo "$@" > $job.args
for word in "$@"; do
    case $word in
        --export=ALL,*) export "${word#--export=ALL,}" ;;
        --dependency=afterok:*) [ -e "${word#--dependency=afterok:}.failed" ] && skip=1 ;;
        *) script=$word ;;
    esac
done
cp "$script" $job.slurm
last=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\).*/\\1/p' $job.slurm)
[ "$skip" ] || for index in $(seq 0 $last); do
    SLURM_ARRAY_TASK_ID=$index SLURM_NODELIST=node1 bash $job.slurm > $job-$index.out 2>&1 || touch $job.failed
done
echo "Submitted batch job $job"
"""
COMMANDS = {
    "sbatch": SBATCH,
    "srun": '#!/bin/bash\n[ "$1 $2 $3" = "-l -n 1" ] && shift 3 && exec "$@"\n',
    "squeue": '#!/bin/bash\nif [ -e "$(dirname "$0")/../queue" ]; then echo running; fi\n',
    "scontrol": "#!/bin/bash\necho node1\n",
}


@pytest.fixture
def slurm(tmp_path, monkeypatch) -> Path:
    """The directory of the jobs that were submitted."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "jobs").mkdir()
    for name, text in COMMANDS.items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")  # the module of the fixture
    monkeypatch.setattr("nsp_ablation.text.preparation.slurm_tasks._POLL_SECONDS", 0.0)
    return tmp_path / "jobs"


@pytest.fixture
def prepare(tmp_path, source, recipe, module):
    def run():
        said = []
        options = PreparationOptions(
            *("datatrove_slurm", 3, 2),
            partition="cpu",
            time_limit_minutes=30,
            cpus_per_task=2,
            gigabytes_per_cpu=3,
            sbatch={"account": "nlp"},
        )
        directory = tmp_path / "tasks"
        prepare_in_tasks(source, recipe, directory, options, say=said.append, finish=module.note)
        return directory, said

    return run


@pytest.mark.slow
def test_an_array_makes_the_shards_and_a_job_after_it_joins_them(slurm, stores_here, prepare, content):
    directory, said = prepare()
    assert content(directory) == stores_here
    assert said == [
        "submitted jobs 100 and 101; this command waits, and may be stopped: given again, it joins them",
    ]
    assert (slurm / "100.args").read_text().startswith("--export=ALL,RUN_OFFSET=0 ")
    assert "--dependency=afterok:100" in (slurm / "101.args").read_text()
    assert sorted(path.name for path in slurm.glob("*.slurm")) == ["100.slurm", "101.slurm"]
    text = (slurm / "100.slurm").read_text()
    given = dict(re.findall(r"^#SBATCH --([\w-]+)=?(.*)$", text, re.MULTILINE))
    logs = given.pop("output"), given.pop("error")
    assert logs[0] == logs[1]
    assert given == {
        "account": "nlp",
        "array": "0-2%2",
        "chdir": str(Path.cwd()),
        "cpus-per-task": "2",
        "job-name": "nsp-ablation-prepare",
        "kill-on-invalid-dep": "yes",
        "mem-per-cpu": "3G",
        "nodes": "1",
        "partition": "cpu",
        "requeue": "",
        "time": "30",
    }
    assert "RAYON_NUM_THREADS=2 TOKENIZERS_PARALLELISM=true" in text
    assert subprocess.run(["bash", "-n", slurm / "100.slurm"]).returncode == 0


@pytest.mark.slow
def test_a_failed_task_is_named_and_submitted_again_alone(tmp_path, slurm, source, stores_here, prepare, content):
    path = source.pieces[-1].path
    data = path.read_bytes()
    path.write_bytes(b"\0" * len(data))
    failure = r"^the jobs ended, and 1 of 3 tasks are not done, the first that failed is 2: .*InputError.*d\.jsonl\.gz"
    with pytest.raises(InputError, match=failure):
        prepare()
    (folder,) = task_folders(shards_directory(tmp_path / "tasks"))
    assert task_states(folder).num_done == 2
    assert not list(slurm.glob("101-*.out")), "nothing is joined after a failure"
    path.write_bytes(data)
    directory, _ = prepare()
    assert "#SBATCH --array=0-0%2" in (slurm / "102.slurm").read_text()
    assert content(directory) == stores_here


@pytest.mark.slow
def test_near_duplicates_are_looked_for_by_jobs_before_those_of_the_shards(
    tmp_path, slurm, source, recipe, module, content
):
    """Each file holds the same 20 documents of words drawn at random, the last word of each document its own."""
    words = [f"{a}{b}{c}" for a in "bdfgkl" for b in "aeiou" for c in "mnrst"]
    texts = [" ".join(random.Random(number).choices(words, k=40)) for number in range(20)]
    for number, piece in enumerate(source.pieces):
        data = "".join(json.dumps({"text": f"{text} {words[number]}."}) + "\n" for text in texts).encode()
        piece.path.write_bytes(gzip.compress(data) if piece.path.suffix == ".gz" else data)
    options = CorpusOptions("jsonl", "jsonl", text_key="text", near_duplicates="remove")
    options.near_duplicate_buckets, options.near_duplicate_hashes = 4, 2  # fewer tasks
    source = Source(options, tuple(whole(piece.path) for piece in source.pieces))
    found = {}
    for name in ("datatrove_slurm", "datatrove_local"):
        said = []
        preparation = PreparationOptions(name, 3, 2, partition="cpu")
        directory = prepare_in_tasks(
            *(source, recipe, tmp_path / name, preparation), say=said.append, finish=module.note
        )
        found[name] = content(directory)
        assert NearDuplicates.read(directory).documents == 40
    assert found["datatrove_slurm"] == found["datatrove_local"]
    after = [(slurm / f"{job}.args").read_text().partition("afterok:")[2][:3] for job in range(100, 105)]
    assert after == ["", "100", "101", "102", "103"]
    assert len(list(slurm.glob("*.slurm"))) == 5


def test_jobs_in_the_queue_are_waited_for(tmp_path, slurm, source, recipe, prepare, monkeypatch):
    from nsp_ablation.text.preparation import slurm_tasks
    from nsp_ablation.text.preparation.task_sources import task_sources
    from nsp_ablation.text.preparation.task_states import tasks_folder
    from nsp_ablation.text.store.build_stores import calls_of

    folder = tasks_folder(tmp_path / "tasks", calls_of(task_sources(source, 3), recipe, tmp_path / "tasks"))
    folder.mkdir(parents=True)
    (folder / "jobs.json").write_text(json.dumps(["7", "8"]))
    (tmp_path / "queue").touch()
    monkeypatch.setattr(slurm_tasks, "time", SimpleNamespace(sleep=lambda seconds: (tmp_path / "tasks").mkdir()))
    _, said = prepare()
    assert said == [
        "jobs 7 and 8 are in the queue from an earlier run",
        "tasks 0/3 done, 0 failed, 0 begun and not ended (running, or killed), 3 not begun",
    ]
    assert not list(slurm.iterdir())


def test_a_machine_without_slurm_or_a_job_of_an_array_is_refused(tmp_path, slurm, prepare, monkeypatch):
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "3")
    with pytest.raises(InputError, match="SLURM_ARRAY_TASK_ID is set"):
        prepare()
    (tmp_path / "bin" / "sbatch").unlink()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))  # without a Slurm of this machine
    with pytest.raises(InputError, match="finds no sbatch on this machine; start it where jobs are submitted, or set"):
        prepare()
