"""The app's typeface for PDFs. Loads fontTools, so import it only where a PDF is made."""

import tempfile
from functools import cache
from pathlib import Path

from django.conf import settings
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

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
