# Which hyperparameters matter: each one's effect beside the baseline's seed-to-seed spread.
localrules:
    rank,


checkpoint rank:
    input:
        info=rules.prepare.output.info,
        runs=screen_metrics,
    output:
        ranking=f"{S}/screen/ranking.csv",
        chosen=f"{S}/screen/chosen.json",
        results=f"{S}/screen/results.csv",
    log:
        f"{S}/logs/rank.log",
    conda:
        ENVIRONMENT
    params:
        file=STUDY_FILE,
        study=slice_of("objective", "baseline", "screen", "rank"),
        candidates=plan.candidates(STUDY),
        code=fingerprint("rank"),
    shell:
        "python -m scripts.rank --study {params.file} > {log} 2>&1 && cat {log}"
