# Optuna, a batch at a time. Each batch is a pure function of the files of all earlier ones, so the
# same trials come out at any number of cores.
#
# Snakemake does not look at a job's own params and inputs while a job before it is to run, not even
# where the files between the two are ancient: whatever begins the search anew must reach it by jobs
# that wait for no table. So settings.json comes first and needs nothing, and space.json waits for
# the choice alone. A trial that is not trained yet waits for the choice too, or it might be trained
# with values that the next choice takes away.
localrules:
    choice,
    search_settings,
    search_space,
    warm_start,
    ask,
    trial,
    trials,


# What was chosen, once more: Snakemake plans every job twice that waits for a checkpoint's own file,
# and looks through all that the checkpoint reads for each of them.
rule choice:
    input:
        ranking=CHOICE[0],
        chosen=CHOICE[1],
    output:
        CHOSEN,
    log:
        f"{S}/logs/choice.log",
    conda:
        ENVIRONMENT
    shell:
        "cp {input.chosen} {output}.tmp 2> {log} && mv {output}.tmp {output}"


rule search_settings:
    output:
        f"{S}/optuna/settings.json",
    log:
        f"{S}/logs/search_settings.log",
    conda:
        ENVIRONMENT
    params:
        settings=json_text(SETTINGS),
    shell:
        "printf '%s' {params.settings:q} > {output}.tmp 2> {log} && mv {output}.tmp {output}"


# Info, model and tokens are read by the trials: other data are another search.
rule search_space:
    input:
        settings=rules.search_settings.output,
        # In this order: of a file that is named twice, the first says whether it is ancient.
        choice=ancient(CHOICE),
        known=choice_known,
        info=rules.prepare.output.info,
        model=rules.fetch_model.output,
        tokens=expand(rules.tokenise.output, length=SEARCHED_LENGTHS),
    output:
        f"{S}/optuna/space.json",
    log:
        f"{S}/logs/search_space.log",
    conda:
        ENVIRONMENT
    params:
        file=STUDY_FILE,
        settings=json_text(SETTINGS),
        searched=searched,
    shell:
        "python -m scripts.search_space --study {params.file} > {log} 2>&1 && cat {log}"


# The tables by hand are ancient: what the warm start took over is kept when the grid grows, and so
# are the trials. Another search space takes over what there is then.
rule warm_start:
    input:
        space=rules.search_space.output,
        by_hand=ancient(BY_HAND),
    output:
        f"{S}/optuna/warm-start.csv",
    log:
        f"{S}/logs/warm_start.log",
    conda:
        ENVIRONMENT
    params:
        file=STUDY_FILE,
    shell:
        "python -m scripts.warm_start --study {params.file} > {log} 2>&1 && cat {log}"


rule ask:
    input:
        space=rules.search_space.output,
        warm_start=rules.warm_start.output,
        choice=ancient(CHOSEN),
        # What is before these is in the sum: where it changes, this changes.
        before=batch_before,
        trials=trials_before,
    output:
        batch=f"{S}/optuna/batch-{{batch}}.json",
        told=f"{S}/optuna/told-{{batch}}.txt",
    log:
        f"{S}/logs/ask-{{batch}}.log",
    conda:
        ENVIRONMENT
    resources:
        # No parameter: another number of trials that may fail proposes no other trials.
        max_failed=STUDY["optuna"]["max_failed"],
    params:
        batch=lambda wildcards: int(wildcards.batch),
        code=fingerprint("ask"),
    shell:
        "python -m scripts.ask --space {input.space} --batch {params.batch}"
        " --max-failed {resources.max_failed} > {log} 2>&1 && cat {log}"


rule trial:
    input:
        batch=lambda wildcards: BATCHES[plan.batch_of(STUDY, int(wildcards.trial)) - 1],
        choice=ancient(CHOSEN),
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
        "python -m scripts.trial --batch {input.batch} --trial {params.trial} --output {output}"
        " > {log} 2>&1"


rule trials:
    input:
        choice=CHOICE,
        info=rules.prepare.output.info,
        # Not read: where the grid is made again, this rule is not looked at (see above).
        tables=[*GRID, *REFINE],
        batches=BATCHES,
        runs=trial_metrics,
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
        max_failed=STUDY["optuna"]["max_failed"],
        code=fingerprint("trials"),
    shell:
        "python -m scripts.trials --study {params.file} > {log} 2>&1 && cat {log}"
