# Optuna, a batch at a time. Each batch is a pure function of the files of all earlier ones, so the
# same trials come out at any number of cores.
localrules:
    search_space,
    ask,
    trial,
    trials,


# The tables by hand are ancient: what the warm start took over is kept when the grid grows, and so
# are the trials. Other data, another model or another search space do start the search anew.
rule search_space:
    input:
        choice=ancient(CHOICE),
        by_hand=ancient(by_hand),
        info=rules.prepare.output.info,
        model=rules.fetch_model.output,
    output:
        space=f"{S}/optuna/space.json",
        warm_start=f"{S}/optuna/warm-start.csv",
    log:
        f"{S}/logs/search_space.log",
    conda:
        ENVIRONMENT
    params:
        file=STUDY_FILE,
        search=search,
        code=fingerprint("search_space"),
    shell:
        "python -m scripts.search_space --study {params.file} > {log} 2>&1 && cat {log}"


rule ask:
    input:
        space=rules.search_space.output.space,
        warm_start=rules.search_space.output.warm_start,
        batches=earlier_batches,
        trials=earlier_trials,
    output:
        f"{S}/optuna/batch-{{batch}}.json",
    log:
        f"{S}/logs/ask-{{batch}}.log",
    conda:
        ENVIRONMENT
    params:
        batch=lambda wildcards: int(wildcards.batch),
        code=fingerprint("ask"),
    shell:
        "python -m scripts.ask --space {input.space} --batch {params.batch} > {log} 2>&1 && cat {log}"


rule trial:
    input:
        lambda wildcards: BATCHES[plan.batch_of(STUDY, int(wildcards.trial)) - 1],
    output:
        f"{S}/runs/optuna-{{trial}}-seed{SEED}/run.json",
    log:
        f"{S}/logs/trial-{{trial}}.log",
    conda:
        ENVIRONMENT
    params:
        trial=lambda wildcards: int(wildcards.trial),
        code=fingerprint("trial"),
    shell:
        "python -m scripts.trial --batch {input} --trial {params.trial} --output {output}"
        " > {log} 2>&1"


rule trials:
    input:
        choice=CHOICE,
        info=rules.prepare.output.info,
        batches=BATCHES,
        runs=metrics(TRIALS),
    output:
        table=f"{S}/optuna/trials.csv",
        storage=f"{S}/optuna/study.db",
    log:
        f"{S}/logs/trials.log",
    conda:
        ENVIRONMENT
    params:
        file=STUDY_FILE,
        study=slice_of("study", "objective"),
        code=fingerprint("trials"),
    shell:
        "python -m scripts.trials --study {params.file} > {log} 2>&1 && cat {log}"
