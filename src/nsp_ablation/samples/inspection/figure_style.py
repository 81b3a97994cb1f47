"""Colours, type and measures of the figure of the formats.

Documents take Okabe and Ito's blue, orange and green, which stay apart for the colour-blind, and are numbered too; what
happens to a token is told by the shape of its chip. Texts keep a contrast of 4.5 or more (WCAG 2.1, AA).
"""

INK, MUTED, FAINT, PAPER = "#1b1b1f", "#5a5a66", "#c9c9d1", "#ffffff"
ACCENT, ALARM, BLACK = "#7b2d8b", "#b3261e", "#111114"
# Of each document: its bar, the ground of its text, its number.
DOCUMENTS = (("#0072b2", "#dcebf7", "#0b4f80"), ("#e69f00", "#fbe8c6", "#7a4b00"), ("#009e73", "#d3efe3", "#00563f"))

# All in pixels; a cell is one character of 12 px monospaced text.
CELL, LINE, SENTENCE_GAP = 7.2, 17.0, 2.0
NUM_COLUMNS = 26
PADDING, BRACKET, NUMBER = 8.0, 12.0, 32.0
TEXT_WIDTH = NUM_COLUMNS * CELL
COLUMN = PADDING + BRACKET + NUMBER + TEXT_WIDTH + PADDING
GAP, MARGIN = 12.0, 20.0

_DOCUMENT_CSS = "\n".join(
    f".bar{n}{{fill:{bar}}} .ground{n}{{fill:{ground}}} .number{n}{{fill:{number};font:10px monospace;text-anchor:end}}"
    for n, (bar, ground, number) in enumerate(DOCUMENTS)
)
CSS = f"""
.paper{{fill:{PAPER};stroke:{FAINT}}}
.card{{fill:{PAPER};stroke:{FAINT}}}
.title{{font:bold 20px sans-serif;fill:{INK}}}
.head{{font:bold 15px sans-serif;fill:{INK}}}
.key{{font:11px monospace;fill:{MUTED}}}
.plain{{font:12px sans-serif;fill:{INK}}}
.strong{{font:bold 12px sans-serif;fill:{INK}}}
.small{{font:11px sans-serif;fill:{MUTED}}}
.right{{font:11px sans-serif;fill:{MUTED};text-anchor:end}}
.mono{{font:12px monospace;fill:{INK}}}
.cut{{font:12px monospace;fill:{MUTED}}}
.segment{{font:bold 12px sans-serif;fill:{INK};text-anchor:middle}}
.bracket{{stroke:{INK};stroke-width:1.5}}
.border{{stroke:{INK};stroke-width:1.5;stroke-dasharray:5 4}}
.hatch{{fill:url(#hatch);stroke:{FAINT}}}
.special{{fill:{MUTED}}}
.extra{{fill:{ACCENT}}}
.chip-sep{{fill:{PAPER};stroke:{MUTED}}}
.on-sep{{font:12px monospace;fill:{MUTED}}}
.chip-extra_sep{{fill:{ACCENT}}}
.on-extra_sep{{font:bold 12px monospace;fill:{PAPER}}}
.chip-mask{{fill:{BLACK}}}
.on-mask{{font:bold 12px monospace;fill:{PAPER}}}
.chip-random{{fill:{PAPER};stroke:{ALARM};stroke-width:1.5;stroke-dasharray:3 2}}
.on-random{{font:bold 12px monospace;fill:{ALARM}}}
.chip-kept{{fill:{PAPER};stroke:{BLACK};stroke-width:1.5}}
.on-kept{{font:bold 12px monospace;fill:{BLACK}}}
.label0{{fill:{PAPER};stroke:{INK}}}
.on-label0{{font:11px sans-serif;fill:{INK}}}
.label1{{fill:{INK}}}
.on-label1{{font:bold 11px sans-serif;fill:{PAPER}}}
{_DOCUMENT_CSS}
"""
HATCH = (
    '<pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    f'<rect width="5" height="5" fill="{PAPER}"/><rect width="1.5" height="5" fill="{FAINT}"/></pattern>'
)
