# Which of the jobs that could start does: by itself Snakemake takes the one with the largest inputs,
# of a grid thus all points with one value, and half of it would tell nothing of that hyperparameter.
# Nothing here changes a result.
from snakemake.scheduling import greedy


# Snakemake asks for all jobs that could start whenever one has ended.
@functools.cache
def turn(run):
    """Return when a run's turn is."""
    return plan.turn(STUDY, run)


def reward(scheduler, job, input_sizes):
    """Return what is largest for the job that starts first.

    What is of no run goes first, since it is short and others wait for it.
    """
    run = None if job.is_group() else job.wildcards_dict.get("run")
    return job.priority, 1.0 if run is None else -turn(run)


greedy.Scheduler.job_reward = reward
