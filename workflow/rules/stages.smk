# What the stages of dvc.yaml ask for. A stage makes all that its folder will ever hold.
localrules:
    stage_prepare,
    stage_screen,
    stage_grid,
    stage_optuna,
    stage_confirm,


rule stage_prepare:
    input:
        rules.prepare.output.info,
        rules.fetch_model.output,
        expand(rules.tokenise.output, length=LENGTHS),


rule stage_screen:
    input:
        *CHOICE,


rule stage_grid:
    input:
        *GRID,
        *REFINE,


rule stage_optuna:
    input:
        *OPTUNA,
        *STORAGE,


rule stage_confirm:
    input:
        *CONFIRM,
