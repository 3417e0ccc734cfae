# Which hyperparameters matter: each one's effect beside the baseline's seed-to-seed spread.
localrules:
    rank,


# Its study is not ancient, as elsewhere: Snakemake does not look at the params of what follows a job
# that runs, ancient or not, until a checkpoint has run. This one does, at any change of the config.
checkpoint rank:
    input:
        study=STUDY_FILE,
        info=rules.prepare.output.info,
        runs=metrics([*plan.baseline_runs(STUDY), *plan.screen_runs(STUDY)]),
    output:
        ranking=f"{S}/screen/ranking.csv",
        chosen=f"{S}/screen/chosen.json",
        results=f"{S}/screen/results.csv",
    log:
        f"{S}/logs/rank.log",
    conda:
        ENVIRONMENT
    params:
        study=slice_of("objective", "baseline", "screen", "rank")
        + json_text(plan.candidates(STUDY)),
        code=fingerprint("rank"),
    shell:
        "python -m scripts.rank --study {input.study} > {log} 2>&1 && cat {log}"
