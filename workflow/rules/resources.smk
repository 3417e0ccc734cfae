# What a training reserves, and for how many of them at once this machine has GPUs.
from scripts.training import gpus

# Jobs inherit it: with no GPU in sight torch takes the processor.
if not STUDY["training"]["gpu"]:
    os.environ.update(CUDA_VISIBLE_DEVICES="")
# On a cluster Snakemake counts nodes, or jobs. There a job has whole GPUs to itself.
HERE = workflow.resource_settings.nodes is None
SHARED = HERE and STUDY["training"]["per_gpu"] > 1
TRAINING = {
    "gpu": 0 if SHARED else STUDY["training"]["gpu"],
    # A part of a GPU, of which a whole one has training.per_gpu.
    "gpu_share": STUDY["training"]["gpu"] if SHARED else 0,
    # SLURM's number, since Snakemake cuts threads to the cores of the submitting machine.
    "cpus_per_task": STUDY["training"]["threads"],
    # A job killed for want of memory or time asks for more when it is tried again.
    "mem_mb": lambda wildcards, attempt: attempt * STUDY["training"]["memory_mb"],
    "runtime": lambda wildcards, attempt: attempt * STUDY["training"]["runtime"],
}


def limit_gpus():
    """Run no more trainings at once than this machine's GPUs are for, unless a limit was typed."""
    if "gpu" not in workflow.global_resources and (found := gpus.count()):
        workflow.register_resource("gpu", found)
    if "gpu" in workflow.global_resources:
        devices = int(workflow.global_resources["gpu"].value)
        if "gpu_share" not in workflow.global_resources:
            shares = devices * STUDY["training"]["per_gpu"]
            workflow.register_resource("gpu_share", shares)


if HERE and workflow.is_main_process:
    limit_gpus()
