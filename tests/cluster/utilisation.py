"""Simulate how busy GPUs are when each of Optuna's batches waits for all of the one before.

    python -m tests.cluster.utilisation

Times of runs are drawn from a log-normal distribution; a run starts on the GPU that is free first.
"""

import heapq
import random

GPUS = 100
TRIALS = 10_000
REPEATS = 5


def makespan(times: list[float], gpus: int) -> float:
    """Return when the last of these runs ends, started in order on `gpus` GPUs."""
    ends = [0.0] * gpus
    for time in times:
        heapq.heappushpop(ends, ends[0] + time)
    return max(ends)


def busy(batch: int, spread: float, rng: random.Random) -> float:
    """Return the share of GPU time in use; `spread` is the standard deviation of log(time)."""
    used = lasted = 0.0
    for start in range(0, TRIALS, batch):
        size = min(batch, TRIALS - start)
        times = [rng.lognormvariate(0.0, spread) for _ in range(size)]
        used += sum(times)
        lasted += makespan(times, GPUS)
    return used / (lasted * GPUS)


def main() -> None:
    rng = random.Random(1)
    print("trials a batch, batches, GPUs busy with a spread of 0.1, 0.3 and 0.6")
    for batch in (100, 200, 300, 500, 1000):
        shares = [
            sum(busy(batch, spread, rng) for _ in range(REPEATS)) / REPEATS
            for spread in (0.1, 0.3, 0.6)
        ]
        print(batch, -(-TRIALS // batch), *(f"{share:.0%}" for share in shares))


if __name__ == "__main__":
    main()
