"""PDFs in the app's typeface. Loads what makes them, so import it only where one is made."""

import tempfile
from functools import cache
from pathlib import Path

from django.conf import settings
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont
from fpdf import FPDF

_FONTS = Path(settings.BASE_DIR) / "static" / "fonts"


@cache
def app_fonts() -> tuple[Path, Path, Path]:
    """Regular, semi-bold, and the extended Latin letters, cut from the app's variable font. Once a process."""
    folder = Path(tempfile.mkdtemp(prefix="report-fonts-"))
    made = []
    for name, weight, file in (("r", 400, "inter-latin"), ("b", 600, "inter-latin"), ("x", 400, "inter-latin-ext")):
        font = instantiateVariableFont(TTFont(_FONTS / f"{file}.woff2"), {"wght": weight})
        font.flavor = None
        font.save(folder / f"{name}.ttf")
        made.append(folder / f"{name}.ttf")
    return made[0], made[1], made[2]


_INK, _SOFT, _LINE = (24, 27, 37), (92, 98, 116), (214, 217, 226)


class Paper(FPDF):
    """A4 in the app's typeface, with a foot that counts pages."""

    def __init__(self, foot: str) -> None:
        super().__init__(format="A4")
        self.foot = foot
        regular, bold, extended = app_fonts()
        self.add_font("Inter", "", regular)
        self.add_font("Inter", "B", bold)
        self.add_font("InterExt", "", extended)
        self.set_fallback_fonts(["InterExt"], exact_match=False)
        self.set_auto_page_break(auto=True, margin=20)
        self.set_margins(20, 18, 20)
        self.add_page()

    def footer(self) -> None:
        self.set_y(-14)
        self.set_font("Inter", "", 7.5)
        self.set_text_color(*_SOFT)
        self.cell(0, 5, f"{self.foot} · page {self.page_no()} of {{nb}}")

    def line_of(self, text: str, *, size: float = 9.5, bold: bool = False, soft: bool = False, gap: float = 1,
                indent: float = 0) -> None:  # fmt: skip
        """A paragraph over the whole width; `indent` in millimetres."""
        self.set_font("Inter", "B" if bold else "", size)
        self.set_text_color(*(_SOFT if soft else _INK))
        self.set_x(self.l_margin + indent)
        self.multi_cell(0, size * 0.52, text, align="LEFT", new_x="LMARGIN", new_y="NEXT")
        self.ln(gap)

    def head(self, text: str) -> None:
        """The title of a part."""
        self.ln(3)
        self.line_of(text, size=11.5, bold=True, gap=1.5)

    def rows(
        self, head: list[str], rows: list[list[str]], widths: tuple[int, ...], aligns: tuple[str, ...] = ()
    ) -> None:
        """A table; widths are shares. Unless `aligns` says otherwise, all but the first column stand on the right."""
        self.set_font("Inter", "", 8.5)
        self.set_text_color(*_INK)
        self.set_draw_color(*_LINE)
        aligns = aligns or ("LEFT", *("RIGHT" for _ in head[1:]))
        with self.table(
            col_widths=widths, text_align=aligns, borders_layout="HORIZONTAL_LINES", line_height=5.6, padding=(0.4, 1)
        ) as table:
            for line in [head, *rows]:
                row = table.row()
                for cell in line:
                    row.cell(cell)
