"""A small writer of SVG: shapes and texts with classes, numbers rounded so that equal pictures are equal bytes."""

from xml.sax.saxutils import escape, quoteattr


class Svg:
    """A picture that grows by one element a call; places and sizes are in pixels from its upper left corner."""

    def __init__(self) -> None:
        self._elements: list[str] = []

    def rect(self, x: float, y: float, width: float, height: float, style: str, radius: float = 0) -> None:
        """Add a rectangle of the class `style`."""
        corner = f' rx="{_number(radius)}"' if radius else ""
        self._elements.append(f'<rect class="{style}" {_box(x, y, width, height)}{corner}/>')

    def line(self, x1: float, y1: float, x2: float, y2: float, style: str) -> None:
        """Add a straight line of the class `style`."""
        ends = zip(("x1", "y1", "x2", "y2"), (x1, y1, x2, y2), strict=True)
        self._elements.append(f'<line class="{style}" {" ".join(f"{name}={_quoted(at)}" for name, at in ends)}/>')

    def text(
        self, x: float, y: float, text: str, style: str, *, width: float | None = None, tooltip: str | None = None
    ) -> None:
        """Add a text whose baseline begins at (x, y); `width` makes it exactly so wide, whatever the font."""
        fitted = "" if width is None else f" textLength={_quoted(width)}"
        title = "" if tooltip is None else f"<title>{escape(tooltip)}</title>"
        place = f"x={_quoted(x)} y={_quoted(y)}"
        self._elements.append(f'<text class="{style}" {place}{fitted}>{title}{escape(text)}</text>')

    def __add__(self, other: "Svg") -> "Svg":
        """Return a picture with `other` drawn over this one."""
        both = Svg()
        both._elements = [*self._elements, *other._elements]
        return both

    def document(self, width: float, height: float, title: str, description: str, css: str, definitions: str) -> str:
        """Return the whole file; `definitions` are elements for `<defs>`, such as patterns."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_number(width)} {_number(height)}"'
            f' width={_quoted(width)} height={_quoted(height)} role="img" aria-labelledby="title description">'
        )
        named = f'<title id="title">{escape(title)}</title><desc id="description">{escape(description)}</desc>'
        parts = [head, named, f"<style>{escape(css)}</style>", f"<defs>{definitions}</defs>", *self._elements, "</svg>"]
        return "\n".join(parts) + "\n"


def _box(x: float, y: float, width: float, height: float) -> str:
    return f"x={_quoted(x)} y={_quoted(y)} width={_quoted(width)} height={_quoted(height)}"


def _quoted(value: float) -> str:
    return quoteattr(_number(value))


def _number(value: float) -> str:
    """Return at most one decimal: a tenth of a pixel is never seen."""
    return f"{value:.1f}".removesuffix(".0")
