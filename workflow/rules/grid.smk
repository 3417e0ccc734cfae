# The full factorial over the chosen hyperparameters, and listed configurations around its best.
localrules:
    grid,
    refine,


rule grid:
    input:
        choice=CHOICE,
        info=rules.prepare.output.info,
        runs=grid_metrics,
    output:
        results=f"{S}/grid/results.csv",
        interactions=f"{S}/grid/interactions.csv",
    log:
        f"{S}/logs/grid.log",
    conda:
        ENVIRONMENT
    params:
        file=STUDY_FILE,
        study=slice_of("objective", "grid"),
        code=fingerprint("grid"),
    shell:
        "python -m scripts.grid --study {params.file} > {log} 2>&1 && cat {log}"


rule refine:
    input:
        choice=CHOICE,
        info=rules.prepare.output.info,
        runs=refine_metrics,
    output:
        f"{S}/grid/refinement.csv",
    log:
        f"{S}/logs/refine.log",
    conda:
        ENVIRONMENT
    params:
        file=STUDY_FILE,
        study=slice_of("objective", "refine"),
        code=fingerprint("refine"),
    shell:
        "python -m scripts.refine --study {params.file} > {log} 2>&1 && cat {log}"
