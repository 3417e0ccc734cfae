# What a study prints while it runs: the last line of each run's log, what each table says, one line
# of progress for every 5 %, and every failure with its log. `snakemake -p` prints every job in full,
# and the log file that Snakemake names at the end holds it all in any case.
import logging

from snakemake.logging import logger


class Short(logging.Filter):
    """Leaves out what Snakemake says of jobs that start, and of those that end well."""

    said = None

    def filter(self, record):
        event = getattr(record, "event", None)
        if event == "progress":
            before, self.said = self.said, 20 * record.done // record.total
            return self.said != before
        if event is None:
            return record.getMessage() != "Select jobs to execute..."
        return event not in ("job_info", "group_info", "job_started", "job_finished")


# Where the disk is full, Snakemake's log cannot be written: no page of traceback for each line.
logging.raiseExceptions = False


def be_short():
    """Shorten what goes to the terminal, unless every job is asked for."""
    if workflow.output_settings.printshellcmds or workflow.output_settings.verbose:
        return
    for handler in logger.handlers:
        if isinstance(handler, logging.StreamHandler) and not isinstance(
            handler, logging.FileHandler
        ):
            handler.addFilter(Short())
