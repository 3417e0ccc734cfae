# What the rules read and why they run again, computed from the study: names and paths, no results.
SPLITS = ["train", "validation", *(["test"] if STUDY["splits"]["test"] else [])]
GENERATED = STUDY["dataset"].get("generated")
# A purpose may be served by a part of another's split.
SERVING = {
    name.partition("[")[0] for name in STUDY["splits"].values() if isinstance(name, str)
}
GENERATED_FILES = {
    role: f"{S}/data/generated/{role}.jsonl"
    for role in sources.GENERATED_SPLITS
    if role in SPLITS or role in SERVING
}
DATASET = (
    {"path": "json", "data_files": GENERATED_FILES} if GENERATED else STUDY["dataset"]
)


def data_files(wildcards):
    """Return the local files that the data set is read from."""
    if GENERATED:
        return list(GENERATED_FILES.values())
    return [str(path) for path in sources.local_data_files(DATASET)]


def model_files(wildcards):
    """Return the files of a model in a local folder; a package's are those of its version."""
    path = STUDY["model"]["path"]
    packaged = path.startswith(model_sources.PACKAGE)
    folder = None if packaged else model_sources.model_folder(path)
    return [str(file) for file in present(folder)] if folder else []


PLANNED = {
    run.name: run
    for runs in (plan.baseline_runs, plan.screen_runs, plan.refine_runs)
    for run in runs(STUDY)
}
SEARCHED_LENGTHS = plan.searched_lengths(STUDY)
LENGTHS = plan.lengths(STUDY)
FRESH_SEEDS = plan.fresh_seeds(STUDY)


def confirmations():
    """Return the runs of the confirmation; who the finalists are depends on data."""
    if not FRESH_SEEDS:
        return []
    checkpoints.finalists.get()
    found = or_end(read_finalists, Path(S))
    return plan.confirm_runs(STUDY, [entry["hyperparameters"] for entry in found])


@functools.cache
def grid_of(*names):
    """Return the runs of the grid over the hyperparameters `names`, by run name."""
    return {run.name: run for run in plan.grid_runs(STUDY, names)}


@functools.cache
def planned_values(name):
    """Return a planned run's own resolved values, and its seed."""
    run = PLANNED.get(name)
    if run is None and "hash=" in name:
        fresh = int(name.rpartition("-seed")[2]) in FRESH_SEEDS
        run = (
            {run.name: run for run in confirmations()}[name]
            if fresh
            else grid_of(*chosen())[name]
        )
    if run is not None:
        return dict(run.hyperparameters), run.seed
    return parse_run(name, BASELINE)


def planned_run(wildcards):
    """Return the text of a planned run's run.json."""
    values, seed = planned_values(wildcards.run)
    # On a fresh seed, and on no other, a run is evaluated on the test split.
    test = {"test": True} if seed in FRESH_SEEDS else {}
    return json_text({"hyperparameters": values, "seed": seed, **test})


def tokens(wildcards):
    """Return the tokens that a run may need; a trial's max_seq_length is not known ahead."""
    # Every training has this input, so that it is asked for before any is scheduled.
    limit_gpus()
    if wildcards.run.startswith("optuna-"):
        lengths = SEARCHED_LENGTHS
    else:
        lengths = [planned_values(wildcards.run)[0]["max_seq_length"]]
    return expand(rules.tokenise.output, length=lengths)


# What the ranking chose, and why.
CHOICE = [f"{S}/screen/ranking.csv", f"{S}/screen/chosen.json"]
# The same for Optuna's jobs, of which there are many.
CHOSEN = f"{S}/optuna/choice.json"


def grid_metrics(wildcards):
    return metrics(grid_of(*chosen()))


BATCH_SIZE = STUDY["optuna"]["batch_size"]
TRIALS = plan.trial_runs(STUDY)
BATCHES = [
    f"{S}/optuna/batch-{batch:04d}.json" for batch in range(1, plan.batches(STUDY) + 1)
]


# The tables that the warm start may take runs from.
_TABLES = {
    "baseline": f"{S}/screen/results.csv",
    "screen": f"{S}/screen/results.csv",
    "grid": f"{S}/grid/results.csv" if STUDY["grid"]["enabled"] else None,
    "refine": f"{S}/grid/refinement.csv" if plan.refine_runs(STUDY) else None,
}
BY_HAND = sorted({_TABLES[stage] for stage in STUDY["optuna"]["warm_start"]} - {None})

TOLD = plan.training_options(STUDY)
# Every cause to begin the search anew that the config or the code names: known before anything runs.
SETTINGS = {
    **{
        key: STUDY["optuna"][key]
        for key in ("batch_size", "sampler", "pruner", "warm_start")
    },
    "by_hand": BY_HAND,
    "baseline": BASELINE,
    "seed": SEED,
    "objective": STUDY["objective"],
    "training": TOLD,
    "code": {
        command: fingerprint(command)
        for command in ("search_space", "warm_start", "ask", "trial", "train")
    },
}


def choice_known(wildcards):
    """Return no file: until the choice is known, have Snakemake not look at what depends on it."""
    chosen()
    return []


def searched(wildcards):
    """Return what is searched, as text: a change of it begins the search anew."""
    blocks = STUDY["hyperparameters"]
    return json_text({name: blocks[name].get("search") for name in chosen()})


def wait_for_choice(wildcards):
    """Return the choice for a trial's run, which another choice would give other values."""
    return CHOSEN if wildcards.run.startswith("optuna-") else []


def trials_before(wildcards):
    """Return the metrics of the trials of the batch before this one."""
    last = (int(wildcards.batch) - 1) * BATCH_SIZE
    first = max(1, last - BATCH_SIZE + 1)
    return metrics(plan.trial_name(trial, SEED) for trial in range(first, last + 1))


def batch_before(wildcards):
    """Return the batch before this one, and the sum over all that is before it.

    Every earlier file, named for every batch, would be most of what a large study's plan costs.
    """
    number = int(wildcards.batch) - 1
    kinds = ("batch-{:04d}.json", "told-{:04d}.txt") if number else ()
    return [f"{S}/optuna/{kind.format(number)}" for kind in kinds]


SCREENED = metrics([*plan.baseline_runs(STUDY), *plan.screen_runs(STUDY)])
REFINED = metrics(plan.refine_runs(STUDY))


# Functions, since Snakemake hashes a list that has a name once for each file in it.
def screen_metrics(wildcards):
    return SCREENED


def refine_metrics(wildcards):
    return REFINED


def trial_metrics(wildcards):
    return metrics(TRIALS)


ALL_RUNS = [*SCREENED, *REFINED, *metrics(TRIALS)]


def all_runs(wildcards):
    """Return the metrics of every run that competes for best."""
    return [*ALL_RUNS, *(grid_metrics(wildcards) if GRID else [])]


def confirm_metrics(wildcards):
    return metrics(confirmations())


def beside(paths, name):
    """Return the file `name` of the run that each metrics.json is of."""
    return [os.path.join(os.path.dirname(path), name) for path in paths]


def all_histories(wildcards):
    """Return the learning curves of every run that competes for best."""
    return beside(all_runs(wildcards), "history.csv")


def confirm_histories(wildcards):
    return beside(confirm_metrics(wildcards), "history.csv")


def predictions(wildcards):
    """Return what the confirmation's runs predict, by example."""
    return beside(confirm_metrics(wildcards), "predictions.csv")


def finalists_file(wildcards):
    """Return the file that names the finalists, once they are known."""
    return [checkpoints.finalists.get().output[0]] if FRESH_SEEDS else []


# What says which runs there are, and in which stage each is.
STAGE_BLOCKS = (
    "objective",
    "hyperparameters",
    "baseline",
    "screen",
    "grid",
    "refine",
    "optuna",
)
GRID = (
    [f"{S}/grid/results.csv", f"{S}/grid/interactions.csv"]
    if STUDY["grid"]["enabled"]
    else []
)
REFINE = [f"{S}/grid/refinement.csv"] if plan.refine_runs(STUDY) else []
OPTUNA = [f"{S}/optuna/trials.csv"] if TRIALS else []
# For people alone, who may write notes to it (optuna-dashboard does): nothing is made of it.
STORAGE = [f"{S}/optuna/study.db"] if TRIALS else []
CONFIRM = [f"{S}/confirm/results.csv", f"{S}/verdict.json"] if FRESH_SEEDS else []
TRACKED = (
    [f"{S}/summary/tracked"]
    if any(tracker["enabled"] for tracker in STUDY["tracking"].values())
    else []
)
