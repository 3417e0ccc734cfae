# What the SLURM executor (2.8.0) is told, lest it wait for ever. Nothing here changes a result.
import collections

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


if "snakemake_executor_plugin_slurm" in sys.modules:
    slurm = sys.modules["snakemake_executor_plugin_slurm"]
    slurm.query_job_status = look_with(slurm.query_job_status)
    # Before it submits an array, the executor waits for all jobs that are ready: also for those
    # which a limit (gpu, jobs) holds back until the very jobs have ended that it does not submit.
    slurm.pending_jobs_for_rule = no_others
