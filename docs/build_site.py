"""Build the site of the documents: `python docs/build_site.py` -> build/site (`make docs`; needs the extra `docs`).

Pages are the Markdown files of the checkout, copied with their places to build/pages, so that links that work on a
page's own host work on the site, too. Three things are adapted: README.md is the start page, what a fence of
docs/extending.md says of its file becomes the title of the block, and links to what is no page name it alone. A link
that leads nowhere, and every warning of the builder, is an error.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "build" / "pages"
SITE = ROOT / "build" / "site"
START = "README.md"
SOURCES = (
    *("README*.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/*.md", "docs/*.svg"),
    *("experiments/README.md", "results/README.md", "results/benchmarks/*.md"),
)
_LINK = re.compile(r"(?<!!)\[([^\[\]]*)\]\(([^()\s]+)\)")
_FENCE = re.compile(r"^```(\w+) (new|edit)=(\S+)$", re.MULTILINE)


def sources(root: Path = ROOT) -> list[Path]:
    """Return the files of the site, relative to the checkout."""
    return sorted(path.relative_to(root) for pattern in SOURCES for path in root.glob(pattern))


def placed(source: Path) -> Path:
    """Return where a file lies in the site's pages."""
    return Path("index.md") if source == Path(START) else source


def adapted(text: str, source: Path, pages: set[Path], root: Path = ROOT) -> str:
    """Return a page's text as the builder reads it; `pages` are the files of the site.

    Raises ValueError for a link to a file that does not exist.
    """

    def link(match: re.Match[str]) -> str:
        shown, target = match.groups()
        if re.match(r"[a-z]+:|#", target):
            return match.group()
        path, mark, anchor = target.partition("#")
        found = _normal(source.parent / path)
        if not (root / found).exists():
            raise ValueError(f"{source}: the link to {target} leads nowhere; correct it")
        if found not in pages:
            return shown  # a file that the site does not hold
        if found == Path(START):
            path = f"{'../' * (len(source.parts) - 1)}index.md"
        return f"[{shown}]({path}{mark}{anchor})"

    text = _FENCE.sub(r'```\1 title="\3 (\2)"', text)
    blocks = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if part.startswith("```") else _LINK.sub(link, part) for part in blocks)


def copy_pages(root: Path = ROOT, pages: Path = PAGES) -> None:
    """Write the pages anew."""
    shutil.rmtree(pages, ignore_errors=True)
    found = set(sources(root))
    for source in found:
        target = pages / placed(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".md":
            target.write_text(adapted((root / source).read_text(), source, found, root))
        else:
            shutil.copy(root / source, target)


def _normal(path: Path) -> Path:
    """Return a relative path without `..`."""
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return Path(*parts)


def main() -> None:
    """Build the site, and end with the builder's status."""
    copy_pages()
    shutil.rmtree(SITE, ignore_errors=True)
    sys.exit(subprocess.run([sys.executable, "-m", "zensical", "build", "--clean", "--strict"], cwd=ROOT).returncode)


if __name__ == "__main__":
    main()
