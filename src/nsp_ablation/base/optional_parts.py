"""The parts of a cell that may fail and let it go on: those declared here and no others.

Whatever fails beside them fails its cell. The field `omitted` of a record says which part is missing, and why; the PDF
of the appendix, whose engine may be missing, stands among the warnings of its report.
"""

from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager

from nsp_ablation.base.errors import InputError

HELDOUT_LOSS, CURVES = "heldout_loss", "curves"
DASHBOARD_RUN, DASHBOARD_TABLE, DASHBOARD_PAGES = "dashboard_run", "dashboard_table", "dashboard_pages"

OPTIONAL_PARTS = {
    HELDOUT_LOSS: "the held-out loss, where the documents held out make no input of the format",
    CURVES: "the curves of a training, in its log and on a dashboard that is looked at meanwhile",
    DASHBOARD_RUN: "the copy of a finished training or result on a dashboard",
    DASHBOARD_TABLE: "the copy of a sweep's table on wandb",
    DASHBOARD_PAGES: "the saved workspace and the report page of a study on wandb",
}


def omit(part: str, reason: str, omitted: MutableMapping[str, str], say: Callable[[str], None]) -> None:
    """Note and say that a declared part is left out."""
    assert part in OPTIONAL_PARTS, part
    omitted[part] = " ".join(reason.split())
    say(f"{OPTIONAL_PARTS[part].partition(',')[0]} left out: {omitted[part]}")


@contextmanager
def optional(part: str, omitted: MutableMapping[str, str], say: Callable[[str], None]) -> Iterator[None]:
    """Inside, a declared part may fail, whatever its libraries raise; a user's mistake (InputError) passes on."""
    assert part in OPTIONAL_PARTS, part
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        omit(part, f"{type(error).__name__}: {error}", omitted, say)
