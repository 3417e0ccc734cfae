# The study itself, its data and its model: made once, local, before anything is trained.
localrules:
    generate,
    fetch_model,
    prepare,
    tokenise,


rule generate:
    output:
        GENERATED_FILES.values(),
    log:
        f"{S}/logs/generate.log",
    conda:
        ENVIRONMENT
    params:
        seed=(GENERATED or {}).get("seed"),
        train=(GENERATED or {}).get("train"),
        validation=(GENERATED or {}).get("validation"),
        test=(GENERATED or {}).get("test"),
        folder=lambda wildcards, output: os.path.dirname(output[0]),
        code=fingerprint("generate"),
    shell:
        "python -m scripts.generate --seed {params.seed} --train {params.train}"
        " --validation {params.validation} --test {params.test} --output {params.folder}"
        " > {log} 2>&1"


rule fetch_model:
    input:
        model_files,
    output:
        f"{S}/data/model.json",
    log:
        f"{S}/logs/fetch_model.log",
    conda:
        ENVIRONMENT
    params:
        model=literal(json.dumps(STUDY["model"], sort_keys=True)),
        code=fingerprint("fetch_model"),
    shell:
        "python -m scripts.fetch_model --model {params.model:q} --output {output} > {log} 2>&1"


rule prepare:
    input:
        data_files,
    output:
        info=f"{S}/data/info.json",
        splits=expand(f"{S}/data/{{split}}.parquet", split=SPLITS),
    log:
        f"{S}/logs/prepare.log",
    conda:
        ENVIRONMENT
    params:
        source=literal(
            json.dumps({**plan.source(STUDY), "dataset": DATASET}, sort_keys=True)
        ),
        folder=lambda wildcards, output: os.path.dirname(output.info),
        code=fingerprint("prepare"),
    shell:
        "python -m scripts.prepare --source {params.source:q} --output {params.folder}"
        " > {log} 2>&1"


rule tokenise:
    input:
        splits=rules.prepare.output.splits,
        model=rules.fetch_model.output,
    output:
        f"{S}/data/tokens/{{length}}.safetensors",
    log:
        f"{S}/logs/tokenise-{{length}}.log",
    conda:
        ENVIRONMENT
    resources:
        # No parameter: another length elsewhere in the study makes no other tokens.
        longest=max(LENGTHS),
    params:
        folder=lambda wildcards, input: os.path.dirname(input.splits[0]),
        code=fingerprint("tokenise"),
    shell:
        "python -m scripts.tokenise --data {params.folder} --model {input.model}"
        " --max-seq-length {wildcards.length} --longest {resources.longest} --output {output} > {log} 2>&1"
