# What the SLURM executor (2.8.0) is told, lest it wait for ever, or mix up the jobs of an array.
# Nothing here changes a result.
import collections
import functools
import shlex
import uuid
from pathlib import Path

# One line a task: without it squeue reports the cancelled tasks of a job array as one range, in
# which the executor does not find its jobs.
os.environ.update(SQUEUE_ARRAY="1")

# Looks at the cluster in which a job is missing before it counts as ended.
LOOKS = 5


class Statuses(dict):
    """What a look at the cluster tells: states by job.

    A job that SLURM has forgotten is UNKNOWN, which the executor takes for ended; Snakemake then
    finds the job's files, or tries it again. The executor itself would wait for it to come back.
    """

    missing = collections.Counter()

    def __contains__(self, job):
        if super().__contains__(job):
            self.missing.pop(job, None)
            return True
        self.missing[job] += 1
        return self.missing[job] >= LOOKS

    def __missing__(self, job):
        return "UNKNOWN"


def look_with(query):
    """Return the executor's `query`, with states that know a lost job."""

    async def look(command, logger):
        states, seconds = await query(command, logger)
        return None if states is None else Statuses(states), seconds

    return look


def no_others(dag, name):
    """Return how many jobs of that name an array waits for, beside those that it is made of."""
    return 0


def alike(submit):
    """Return `submit`, which makes one array of jobs, with an array for each set of resources.

    The executor asks for what the first job needs, for all of them: a job that is tried again for
    want of memory would get as little as the first tries beside it.
    """

    def submit_alike(executor, jobs):
        arrays = collections.defaultdict(list)
        for job in jobs:
            needs = tuple(sorted(job.resources.items(), key=str))
            arrays[job.threads, needs].append(job)
        for array in arrays.values():
            if len(array) > 1:
                submit(executor, array)
            else:
                executor._submit_job(array[0])

    return submit_alike


class Cases:
    """The executor as it is while it submits an array: each task runs its own job and no other.

    The executor itself lets every task run the first job's Snakemake around its own job, which
    fails the task where the first job's files are not there soon after its end.
    """

    def __init__(self, executor, jobs):
        self._executor, self._jobs = executor, jobs

    def __getattr__(self, name):
        return getattr(self._executor, name)

    # Written when it is first asked for, where the executor tells of what goes wrong.
    @functools.cached_property
    def _script(self):
        cases = (
            f"{task}) {self._executor.format_job_exec(job)} ;;"
            for task, job in enumerate(self._jobs, start=1)
        )
        lines = ['case "$SLURM_ARRAY_TASK_ID" in', *cases, "*) exit 1 ;;", "esac"]
        script = Path(".snakemake/slurm_arrays").absolute() / f"{uuid.uuid4().hex}.sh"
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text("\n".join(lines) + "\n")
        return script

    def format_job_exec(self, job):
        # What the executor adds to it, its own list of commands, is an argument that nobody reads.
        return f"sh {shlex.quote(str(self._script))}"


def by_cases(run):
    """Return `run`, which submits jobs as one array, with a script that tells them apart."""
    return lambda executor, jobs: run(Cases(executor, jobs), jobs)


if "snakemake_executor_plugin_slurm" in sys.modules:
    slurm = sys.modules["snakemake_executor_plugin_slurm"]
    slurm.query_job_status = look_with(slurm.query_job_status)
    # Before it submits an array, the executor waits for all jobs that are ready: also for those
    # which a limit (gpu, jobs) holds back until the very jobs have ended that it does not submit.
    slurm.pending_jobs_for_rule = no_others
    slurm.Executor._submit_array_jobs = alike(slurm.Executor._submit_array_jobs)
    slurm.Executor.run_array_jobs = by_cases(slurm.Executor.run_array_jobs)
