# The model that the study recommends: its run is trained once more, with the same seed, and kept.
# Keeping the weights of every run instead would be most of what a study takes on disk.


rule model:
    input:
        best=rules.best.output,
        confirm=CONFIRM,
        gathered=rules.gather.output,
    output:
        f"{S}/model/README.md",
    log:
        f"{S}/logs/model.log",
    conda:
        ENVIRONMENT
    threads: STUDY["training"]["threads"]
    resources:
        **TRAINING,
    params:
        file=STUDY_FILE,
        # What the model and its card tell; all else reaches them through the inputs.
        study=slice_of(
            "study",
            "objective",
            "columns",
            "splits",
            "dataset",
            "confirm",
        ),
        training=json_text(TOLD),
        code=fingerprint("model"),
    shell:
        "HF_HUB_OFFLINE=1 python -m scripts.model --study {params.file} > {log} 2>&1 && cat {log}"
