"""Errors that a user can act on, and the one place that prints them."""

import atexit
import errno
import gc
import sys
from collections.abc import Callable

# As the system and SQLite say it; safetensors passes the former on as text alone.
_FULL = ("No space left on device", "Disk quota exceeded", "disk is full")
# As torch says it, of a processor's memory (an error of no kind of its own) and of a GPU's.
_MEMORY = (
    "DefaultCPUAllocator",
    *("CUDA out of memory", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED"),
    # A GPU that was full before cuBLAS could begin.
    "CUBLAS_STATUS_NOT_INITIALIZED",
    *("CUDNN_STATUS_ALLOC_FAILED", "HIP out of memory", "HIP error: out of memory"),
    # The system's own words, when files are mapped or libraries loaded, and those of C++.
    *("Cannot allocate memory", "std::bad_alloc"),
)
# What a file or folder may be that a command was given: not a fault of the command.
_UNUSABLE = (PermissionError, IsADirectoryError, NotADirectoryError, FileExistsError)
# How a line about it begins; whoever runs a training knows it by this.
OUT_OF_MEMORY = "snaketune: out of memory"


class StudyError(Exception):
    """A mistake that the user can mend.

    The message names the file, the key, the value and what would be right, in one or two lines.
    """


def disk_full(error: BaseException) -> bool:
    """Tell whether an error means that there was no room left to write to."""
    return any(words in str(error) for words in _FULL)


def out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that there was no memory left, of the machine or of its GPU.

    Libraries put such an error behind one of their own.
    """
    if isinstance(error, MemoryError) or any(words in str(error) for words in _MEMORY):
        return True
    return error.__cause__ is not None and out_of_memory(error.__cause__)


def command(main: Callable[[], None]) -> None:
    """Run a command's `main`; print a `StudyError` as one message on stderr and exit with 1.

    So it does where the disk is full, memory is short or a path cannot be written to: no mistakes,
    but the user's to mend.
    """
    # Python looks through all that was imported once more before it ends: a second, for nothing.
    atexit.register(gc.freeze)
    try:
        main()
    except StudyError as error:
        print(f"snaketune: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except Exception as error:
        if disk_full(error):
            message = (
                f"snaketune: the disk is full ({error}); make room and run the same command again"
            )
        elif out_of_memory(error):
            said = (str(error) or type(error).__name__).splitlines()[0]
            message = (
                f"{OUT_OF_MEMORY} ({said}); give it more, and run the same command again\n"
                "  a training takes less with a smaller train_batch_size, which more"
                " gradient_accumulation_steps make up for, or a shorter max_seq_length"
            )
        elif isinstance(error, OSError) and (
            isinstance(error, _UNUSABLE) or error.errno == errno.EROFS
        ):
            # The second is what a temporary file was to become.
            message = f"snaketune: {error.filename2 or error.filename}: {error.strerror}"
        else:
            raise
        print(message, file=sys.stderr)
        raise SystemExit(1) from None
