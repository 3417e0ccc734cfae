# One file for all runs that compete for best: what is made of all of them waits for it.
localrules:
    gather,


rule gather:
    input:
        choice=CHOICE,
        batches=BATCHES,
        runs=all_runs,
        histories=all_histories,
    output:
        f"{S}/summary/gathered.csv",
    log:
        f"{S}/logs/gather.log",
    conda:
        ENVIRONMENT
    params:
        file=STUDY_FILE,
        study=slice_of(*STAGE_BLOCKS),
        code=fingerprint("gather"),
    shell:
        "python -m scripts.gather --study {params.file} > {log} 2>&1 && cat {log}"
