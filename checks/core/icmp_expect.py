"""What is expected of a series of echo requests: limits on loss, times and jitter."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from .failures import Code, DeadlinePassed
from .icmp_series import Tally
from .schema import unusable
from .thresholds import TimeLimits
from .values import DurationUs, format_duration
from .watch import Watch

_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,3})?) ?%")


def _percent(text: str) -> str:
    match = _PERCENT.fullmatch(text)
    if match is None or Fraction(match[1]) >= 100:
        raise unusable("expected a share of the packets, less than 100%", "such as 0%, 33.3% or 50%")
    return text


Percent = Annotated[str, AfterValidator(_percent)]


class EchoExpect(TimeLimits):
    """Limits on a run. `within` and `warn_within` hold for looking up the name and the mean time of the replies."""

    loss: Percent | None = None
    """The largest share of packets that may be lost (`icmp_loss`); if absent, one reply is enough."""
    warn_loss: Percent | None = None
    """The largest share that may be lost without a warning."""
    jitter_us: DurationUs | None = Field(default=None, alias="jitter")
    """The largest mean difference between one reply's time and the next one's (`too_slow`)."""

    @model_validator(mode="after")
    def _loss_ordered(self) -> EchoExpect:
        if self.loss is not None and self.warn_loss is not None and share(self.warn_loss) > share(self.loss):
            raise unusable("warn_loss is larger than loss", "swap the two")
        return self

    def judge(self, watch: Watch, tally: Tally) -> None:
        """Judge a series that is over."""
        if not tally.took_ns:
            _judge_silence(watch, tally)
            return
        lost = Fraction(tally.lost, len(tally.sent_ns))
        seen = f"{tally.lost} of {len(tally.sent_ns)}"
        if self.loss is not None:
            watch.expect("loss", f"at most {self.loss}", seen, lost <= share(self.loss), Code.ICMP_LOSS)
        if self.warn_loss is not None:
            held = lost <= share(self.warn_loss)
            watch.prefer("loss", f"at most {self.warn_loss}", seen, held, Code.ICMP_LOSS)
        if self.jitter_us is not None and tally.jitter_us is not None:
            held = tally.jitter_us <= self.jitter_us
            expected = f"at most {format_duration(self.jitter_us)}"
            watch.expect("jitter", expected, f"{tally.jitter_us / 1000:.1f}ms", held, Code.TOO_SLOW)
        self.judge_time(watch)


def share(percent: str) -> Fraction:
    """Return the share that a text such as `33.3%` stands for."""
    return Fraction(percent.rstrip("% ")) / 100


def _judge_silence(watch: Watch, tally: Tally) -> None:
    if tally.refused:
        raise tally.refused[min(tally.refused)]
    if watch.is_stalled:
        raise DeadlinePassed
    count = len(tally.sent_ns)
    watch.leave()
    watch.fail(Code.ICMP_TIMEOUT, f"no reply to {count} echo request{'s' if count != 1 else ''}")
