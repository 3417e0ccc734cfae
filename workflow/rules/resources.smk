# What a training reserves, and for how many of them at once this machine has GPUs.
import functools

from scripts.training import gpus

# Jobs inherit it: with no GPU in sight torch takes the processor.
if not STUDY["training"]["gpu"]:
    os.environ.update(gpus.NO_GPU)


def here():
    """Tell whether this Snakemake runs the jobs of a study itself; a cluster gives jobs whole GPUs.

    Not to be asked while rules are read: Snakemake does not know yet. A dry run never does: it plans
    as if the jobs ran here.
    """
    return workflow.is_main_process and workflow.local_exec


def whole_gpus(wildcards):
    """Return how many GPUs a training has to itself."""
    return STUDY["training"]["gpu"] - shares_of_a_gpu(wildcards)


def shares_of_a_gpu(wildcards):
    """Return how many parts of a GPU a training has; a whole one has `training.per_gpu`."""
    shared = STUDY["training"]["per_gpu"] > 1 and here()
    return STUDY["training"]["gpu"] if shared else 0


@functools.cache
def limit_gpus():
    """Run no more trainings at once than this machine's GPUs are for, unless a limit was typed.

    To be called when jobs are planned, by the input that every training has: before it Snakemake
    does not know yet where it runs the jobs, and after it the scheduler has read its limits.
    """
    if not here():
        return
    limits = workflow.global_resources
    if "gpu" not in limits and (found := gpus.count()):
        workflow.register_resource("gpu", found)
    if "gpu" in limits and "gpu_share" not in limits:
        shares = int(limits["gpu"].value) * STUDY["training"]["per_gpu"]
        workflow.register_resource("gpu_share", shares)


TRAINING = {
    "gpu": whole_gpus,
    "gpu_share": shares_of_a_gpu,
    # SLURM's number, since Snakemake cuts threads to the cores of the submitting machine.
    "cpus_per_task": STUDY["training"]["threads"],
    # A job killed for want of memory or time asks for more when it is tried again.
    "mem_mb": lambda wildcards, attempt: attempt * STUDY["training"]["memory_mb"],
    "runtime": lambda wildcards, attempt: attempt * STUDY["training"]["runtime"],
}
