"""Requests to stop while a training runs: noted for the end of the update at hand, or left to the first rank."""

from nsp_ablation.base.interrupts import Handlers, stop_now


class StopRequests(Handlers):
    """Inside, a request to stop is noted in `signum` for the loop that looks at it between updates.

    With `waits` False it stops at once, since nothing is to be saved before the first update, whose kernels may compile
    for long; who begins that sets `waits`. Of several ranks each must wait, since they end alike.
    """

    def __init__(self, waits: bool) -> None:
        self.signum: int | None = None
        self.waits = waits
        super().__init__(self._note)

    def _note(self, signum: int) -> None:
        if not self.waits:
            stop_now(signum)
        self.signum = signum


def never_stops() -> Handlers:
    """Inside, requests to stop are left to the first rank, which tells the others."""
    return Handlers(lambda signum: None)
