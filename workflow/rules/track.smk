# The finished study in trackers, which are asked themselves what they lack of it.
localrules:
    track,
    tracked,


# No output: asked for by name, it always asks the trackers.
rule track:
    input:
        summary=rules.summary.output,
        best=rules.best.output,
        stages=[*CHOICE, *GRID, *REFINE, *OPTUNA, *CONFIRM],
        figures=FIGURES,
        report=rules.report.output,
        model=rules.model.output,
    log:
        f"{S}/logs/track.log",
    conda:
        ENVIRONMENT
    params:
        file=STUDY_FILE,
        tracking=slice_of("tracking"),
    shell:
        "python -m scripts.track --study {params.file} 2>&1 | tee {log}"


# Part of a study whose config switches a tracker on: once, and again when its results change.
use rule track as tracked with:
    output:
        # Among the results, which DVC keeps: a clone need not send them once more.
        touch(f"{S}/summary/tracked"),
    log:
        f"{S}/logs/tracked.log",
