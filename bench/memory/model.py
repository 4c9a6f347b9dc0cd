"""Cost of a request at a memory setting, by Lambda's share of the processor.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html: at 1,769 MB a function has
one vCPU, below that a proportional part. A single-threaded function gains nothing above.
"""

from dataclasses import dataclass

WHOLE_CPU = 1769  # MB
SETTINGS = (128, 256, 512, 1024, 1769)
HEADROOM = 1.25
"""The factor between a function's peak here and the least setting: AWS's own runtime needs more."""


@dataclass(frozen=True)
class Work:
    """The seconds of the processor of a start and of a warm request, and seconds of waiting."""

    start: float
    request: float
    waiting: float
    cold_share: float = 0.005

    def start_seconds(self, memory: int) -> float:
        return self.start / _share(memory)

    def request_seconds(self, memory: int) -> float:
        return self.request / _share(memory) + self.waiting

    def cost(self, memory: int) -> float:
        """Return GB-seconds of a request, with its share of billed starts."""
        billed = self.request_seconds(memory) + self.cold_share * self.start_seconds(memory)
        return billed * memory / 1024


def least(work: Work, peak: float) -> int:
    """Return the setting with the least cost that holds the peak, in MB."""
    large_enough = [each for each in SETTINGS if each >= peak * HEADROOM]
    return min(large_enough, key=work.cost)


def _share(memory: int) -> float:
    return min(1.0, memory / WHOLE_CPU)
