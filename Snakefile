# Snaketune: one YAML file in, a whole hyperparameter study out.
from snakemake.utils import min_version

min_version("9.0")


# One file is one study: the default steps aside for any other.
if not workflow.config_settings.configfiles:

    configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/resources.smk"
include: "workflow/rules/executor.smk"
include: "workflow/rules/output.smk"
include: "workflow/rules/order.smk"
include: "workflow/rules/inputs.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/attempted.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/screen.smk"
include: "workflow/rules/grid.smk"
include: "workflow/rules/optuna.smk"
include: "workflow/rules/gather.smk"
include: "workflow/rules/confirm.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/model.smk"
include: "workflow/rules/track.smk"
include: "workflow/rules/stages.smk"


report: "workflow/report/workflow.rst"


# Not a rule: Snakemake plans what follows a job that runs without a look at its params and inputs,
# and everything follows the config. Each rule names the part of the study that it depends on.
onstart:
    gc.enable()
    hold_study()
    need_trackers()
    try_sources()
    be_short()
    keep_study()
    sweep(Path(S))
    # A full disk takes the message of the command that it stopped as well: its log is on it. Nor is
    # there an onerror where Snakemake itself could not write.
    atexit.register(tell_of_full_disk)
    # Jobs inherit it, those on a cluster too: only the last try of a trial may be its failure.
    attempts = 1 + workflow.execution_settings.retries
    os.environ.update(SNAKETUNE_ATTEMPTS=str(attempts))


onsuccess:
    atexit.unregister(tell_of_full_disk)


rule all:
    default_target: True
    input:
        f"{S}/report.html",
        f"{S}/best.json",
        f"{S}/summary/runs.csv",
        f"{S}/model/README.md",
        CONFIRM,
        FIGURES,
        STORAGE,
        TRACKED,
