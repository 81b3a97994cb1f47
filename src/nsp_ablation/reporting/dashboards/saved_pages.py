"""Saving the pages of a study on Weights & Biases: a second time in the place of the first."""

from pathlib import Path
from typing import Any

from nsp_ablation.base.artifact import read_json, write_json
from nsp_ablation.reporting.dashboards.wandb_pages import WandbPages

# How the library answers for a page that somebody deleted.
_GONE = (ValueError, TypeError, KeyError)
_OF_WORKSPACE = ("name", "sections", "settings", "runset_settings")
_OF_PAGE = ("title", "description", "blocks", "width")


def save_pages(pages: WandbPages, kept: Path) -> dict[str, str]:
    """Save workspace and report page and return their URLs; the file `kept` holds those of the last time."""
    before = read_json(kept) if kept.is_file() else {}
    saved = {
        "workspace": _saved(pages.workspace(), _OF_WORKSPACE, before.get("workspace")),
        "report page": _saved(pages.page(), _OF_PAGE, before.get("report page")),
    }
    write_json(kept, saved)
    return saved


def _saved(made: Any, parts: tuple[str, ...], url: str | None) -> str:
    """Save a page, in the place of the one at `url` where there is one, and return its URL."""
    if url is not None:
        try:
            earlier = type(made).from_url(url)
        except _GONE:
            pass
        else:
            for part in parts:
                setattr(earlier, part, getattr(made, part))
            made = earlier
    made.save()
    return str(made.url)
