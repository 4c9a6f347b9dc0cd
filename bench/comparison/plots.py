"""Bar charts of the comparison as SVG, for light and dark pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

WIDTH, LABEL, BAR, STEP = 640, 290, 14, 24
_COLOURS = {"light": ("#1f2328", "#0969da", "#afb8c1"), "dark": ("#e6edf3", "#4493f8", "#545d68")}


@dataclass(frozen=True)
class Bar:
    label: str
    value: float
    is_ours: bool = False


def write(folder: Path, name: str, title: str, unit: str, bars: Sequence[Bar]) -> None:
    """Write `name`-light.svg and `name`-dark.svg, with the least value first."""
    for theme in _COLOURS:
        (folder / f"{name}-{theme}.svg").write_text(
            _svg(theme, title, unit, sorted(bars, key=lambda bar: bar.value))
        )


def _svg(theme: str, title: str, unit: str, bars: Sequence[Bar]) -> str:
    ink, ours, others = _COLOURS[theme]
    longest = max(bar.value for bar in bars)
    space = WIDTH - LABEL - 50
    lines = [f'<text x="0" y="14" font-weight="600">{escape(title)}, {escape(unit)}</text>']
    for number, bar in enumerate(bars):
        top = 28 + number * STEP
        width = max(1.0, bar.value / longest * space)
        weight = ' font-weight="600"' if bar.is_ours else ""
        lines += [
            f'<text x="{LABEL - 8}" y="{top + 11}" text-anchor="end"{weight}>{escape(bar.label)}</text>',
            f'<rect x="{LABEL}" y="{top}" width="{width:.1f}" height="{BAR}" rx="2" '
            f'fill="{ours if bar.is_ours else others}"/>',
            f'<text x="{LABEL + width + 6:.1f}" y="{top + 11}"{weight}>{_figure(bar.value)}</text>',
        ]
    height = 28 + len(bars) * STEP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="{ink}" role="img">\n'
        f"<title>{escape(title)}</title>\n" + "\n".join(lines) + "\n</svg>\n"
    )


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
