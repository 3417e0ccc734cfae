# A run: run.json in, metrics.json out. `train` is the only rule that trains.
localrules:
    plan,


# A shell line, since a Python process for each run would be half of all jobs.
rule plan:
    output:
        f"{S}/runs/{{run}}/run.json",
    log:
        f"{S}/logs/plan/{{run}}.log",
    wildcard_constraints:
        run=planned_pattern(),
    conda:
        ENVIRONMENT
    params:
        run=planned_run,
    shell:
        "printf '%s' {params.run:q} > {output}.tmp 2> {log} && mv {output}.tmp {output}"


rule train:
    input:
        run=f"{S}/runs/{{run}}/run.json",
        tokens=tokens,
        model=rules.fetch_model.output,
        info=rules.prepare.output.info,
        choice=ancient(wait_for_choice),
    output:
        metrics=f"{S}/runs/{{run}}/metrics.json",
        history=f"{S}/runs/{{run}}/history.csv",
        predictions=f"{S}/runs/{{run}}/predictions.csv",
    log:
        f"{S}/logs/train/{{run}}.log",
    benchmark:
        f"{S}/runs/{{run}}/benchmark.tsv"
    wildcard_constraints:
        run=rf"{planned_pattern()}|optuna-\d\d\d\d+-seed{SEED}",
    conda:
        ENVIRONMENT
    threads: STUDY["training"]["threads"]
    resources:
        **TRAINING,
        attempt=lambda wildcards, attempt: attempt,
        # No parameter: another number of trials that may fail trains no run again.
        max_failed=STUDY["optuna"]["max_failed"],
    params:
        metric=STUDY["objective"]["metric"],
        direction=STUDY["objective"]["direction"],
        precision=STUDY["training"]["precision"],
        eval_batch_size=STUDY["training"]["eval_batch_size"],
        # Not Snakemake's {threads}, which --cores may cut: more threads, other bytes.
        threads=STUDY["training"]["threads"],
        tokens=lambda wildcards, input: os.path.dirname(input.tokens[0]),
        folder=lambda wildcards, output: os.path.dirname(output.metrics),
        code=fingerprint("train"),
    # It runs scripts.train, and writes down a trial that fails.
    # Compute nodes are often offline: what the hub has was fetched by the local rules.
    shell:
        "HF_HUB_OFFLINE=1 python -m scripts.attempt --attempt {resources.attempt}"
        " --max-failed {resources.max_failed} --run {input.run} --tokens {params.tokens}"
        " --model {input.model} --info {input.info}"
        " --metric {params.metric} --direction {params.direction}"
        " --precision {params.precision} --eval-batch-size {params.eval_batch_size}"
        " --threads {params.threads} --output {params.folder} > {log} 2>&1"
        " && tail -n 1 {log}"
