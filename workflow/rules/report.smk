# What people read: one table of all runs, the final configuration, figures and the report.
CATEGORIES = {
    "comparison": "1 Result",
    "parallel-coordinates-all": "1 Result",
    "training-curves": "1 Result",
    "effects": "2 Screening",
    "parallel-coordinates-screen": "2 Screening",
    "grid-heatmap": "3 Grid",
    "interactions": "3 Grid",
    "parallel-coordinates-grid": "3 Grid",
    "optuna-history": "4 Optuna",
    "parallel-coordinates-optuna": "4 Optuna",
    "confirmation": "5 Confirmation",
    "searches": "6 Insights",
    "importances": "6 Insights",
}
# What the page is made of beside code: a touched file changes nothing, a changed one the page.
PAGE = [
    str(path.relative_to(ROOT))
    for pattern in (
        "scripts/views/assets/*",
        "scripts/views/templates/*",
        "workflow/report/*.rst",
    )
    for path in sorted(ROOT.glob(pattern))
]
# What the runs say together, in summary/.
INSIGHTS = [
    "searches.csv",
    "best-so-far.csv",
    "random-search.csv",
    "importances.csv",
    "advice.json",
]
FIGURES = expand(f"{S}/figures/{{name}}.{{kind}}", name=CATEGORIES, kind=["png", "svg"])


localrules:
    all,
    summary,
    best,
    insights,
    figures,
    provenance,
    report,


rule summary:
    input:
        info=rules.prepare.output.info,
        choice=CHOICE,
        batches=BATCHES,
        finalists=finalists_file,
        gathered=rules.gather.output,
        runs=confirm_metrics,
    output:
        f"{S}/summary/runs.csv",
    log:
        f"{S}/logs/summary.log",
    conda:
        ENVIRONMENT
    params:
        file=STUDY_FILE,
        study=slice_of(*STAGE_BLOCKS),
        code=fingerprint("summary"),
    shell:
        "python -m scripts.summary --study {params.file} > {log} 2>&1 && cat {log}"


rule best:
    input:
        info=rules.prepare.output.info,
        choice=CHOICE,
        batches=BATCHES,
        gathered=rules.gather.output,
    output:
        report(f"{S}/best.json", category="1 Result", caption="../report/best.rst"),
    log:
        f"{S}/logs/best.log",
    conda:
        ENVIRONMENT
    params:
        file=STUDY_FILE,
        study=slice_of(*STAGE_BLOCKS),
        code=fingerprint("best"),
    shell:
        "python -m scripts.best --study {params.file} > {log} 2>&1 && cat {log}"


rule insights:
    input:
        info=rules.prepare.output.info,
        choice=CHOICE,
        batches=BATCHES,
        gathered=rules.gather.output,
    output:
        expand(f"{S}/summary/{{name}}", name=INSIGHTS),
    log:
        f"{S}/logs/insights.log",
    conda:
        ENVIRONMENT
    params:
        file=STUDY_FILE,
        study=slice_of(*STAGE_BLOCKS),
        code=fingerprint("insights"),
    shell:
        "python -m scripts.insights --study {params.file} > {log} 2>&1 && cat {log}"


# Made again with the final configuration: what the results that it names came from.
rule provenance:
    input:
        info=rules.prepare.output.info,
        model=rules.fetch_model.output,
        best=rules.best.output,
    output:
        f"{S}/provenance.json",
    log:
        f"{S}/logs/provenance.log",
    conda:
        ENVIRONMENT
    params:
        file=STUDY_FILE,
        study=literal(json_text(STUDY)),
        code=fingerprint("provenance"),
    shell:
        "python -m scripts.provenance --study {params.file} > {log} 2>&1"


# How many runs `verify` trains, one after the other: the final configuration's and two others.
VERIFIED = 3


# No output: asked for by name, it always runs.
rule verify:
    input:
        best=rules.best.output,
        summary=rules.summary.output,
        confirm=CONFIRM,
        gathered=rules.gather.output,
    log:
        f"{S}/logs/verify.log",
    # A run that is not what it was is none the second time either.
    retries: 0
    conda:
        ENVIRONMENT
    threads: STUDY["training"]["threads"]
    resources:
        **{**TRAINING, "runtime": VERIFIED * STUDY["training"]["runtime"]},
    params:
        file=STUDY_FILE,
        runs=VERIFIED - 1,
    shell:
        "HF_HUB_OFFLINE=1 python -m scripts.verify --study {params.file} --runs {params.runs}"
        " 2>&1 | tee {log}"


rule figures:
    input:
        summary=rules.summary.output,
        best=rules.best.output,
        insights=rules.insights.output,
        stages=[*CHOICE, *GRID, *REFINE, *OPTUNA, *CONFIRM],
        gathered=rules.gather.output,
        histories=confirm_histories,
    output:
        [
            report(
                f"{S}/figures/{name}.png",
                category=category,
                caption=f"../report/{name}.rst",
                labels={"figure": name.replace("-", " ")},
            )
            for name, category in CATEGORIES.items()
        ],
        expand(f"{S}/figures/{{name}}.svg", name=CATEGORIES),
    log:
        f"{S}/logs/figures.log",
    conda:
        ENVIRONMENT
    params:
        file=STUDY_FILE,
        study=literal(json_text(STUDY)),
        code=fingerprint("figures"),
    shell:
        "python -m scripts.figures --study {params.file} > {log} 2>&1"


rule report:
    input:
        summary=rules.summary.output,
        best=rules.best.output,
        insights=rules.insights.output,
        stages=[*CHOICE, *GRID, *REFINE, *OPTUNA, *CONFIRM],
        figures=FIGURES,
        provenance=rules.provenance.output,
        page=PAGE,
    output:
        f"{S}/report.html",
    log:
        f"{S}/logs/report.log",
    conda:
        ENVIRONMENT
    params:
        file=STUDY_FILE,
        study=literal(json_text(STUDY)),
        code=fingerprint("report"),
    shell:
        "python -m scripts.report --study {params.file} > {log} 2>&1 && cat {log}"
