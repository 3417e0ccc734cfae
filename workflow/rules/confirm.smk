# The best configurations and the baseline on seeds that nothing was chosen by, then the verdict.
localrules:
    finalists,
    confirm,


# A checkpoint, since a finalist's runs are named by its values, like every planned run: finalists
# that stay finalists when the search grows are not trained again.
checkpoint finalists:
    input:
        info=rules.prepare.output.info,
        choice=CHOICE,
        batches=BATCHES,
        # Not read here, but to be there first: Snakemake plans anew when this checkpoint is done,
        # and a table that is just then being made again counts as missing, ancient or not: the
        # search that was warm-started from it would begin anew.
        stages=[*GRID, *REFINE, *OPTUNA],
        gathered=rules.gather.output,
    output:
        f"{S}/confirm/finalists.json",
    log:
        f"{S}/logs/finalists.log",
    conda:
        ENVIRONMENT
    params:
        file=STUDY_FILE,
        study=slice_of(*STAGE_BLOCKS),
        configurations=STUDY["confirm"]["configurations"],
        code=fingerprint("finalists"),
    shell:
        "python -m scripts.finalists --study {params.file} > {log} 2>&1 && cat {log}"


rule confirm:
    input:
        info=rules.prepare.output.info,
        finalists=finalists_file,
        runs=confirm_metrics,
        predictions=predictions,
    output:
        results=f"{S}/confirm/results.csv",
        verdict=f"{S}/verdict.json",
    log:
        f"{S}/logs/confirm.log",
    conda:
        ENVIRONMENT
    params:
        file=STUDY_FILE,
        study=slice_of("objective", "baseline", "confirm"),
        code=fingerprint("confirm"),
    shell:
        "python -m scripts.confirm --study {params.file} > {log} 2>&1 && cat {log}"
