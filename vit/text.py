"""Numbers, amounts and times as people write them: 88.8%, 25 GB, 1.2M, 3 min 20 s. What isn't known yet is a dash."""

import unicodedata
from datetime import datetime

UNKNOWN = "–"
FEW = 200  # images, of which a percentage alone promises more than it can keep


def percent(share: float | None, digits: int = 1) -> str:
    """``0.582`` as ``58.2%``."""
    return UNKNOWN if share is None else f"{share:.{digits}%}"


def accuracy(share: float | None, images: int | None) -> str:
    """``58.2%``, and of few images how many that were: ``93.3% (14 of 15)``."""
    if share is None or not images or images > FEW:
        return percent(share)
    return f"{percent(share)} ({share_of(share, images)})"


def share_of(share: float | None, images: int) -> str:
    """``14 of 15``."""
    return f"{UNKNOWN if share is None else round(share * images)} of {images}"


def number(value: float | None, form: str = ",.0f") -> str:
    """A number in a format: ``1,240``."""
    return UNKNOWN if value is None else format(value, form)


def counted(count: float, noun: str, plural: str | None = None) -> str:
    """A number of things: ``1 step``, ``1,240 steps``, ``2.5 epochs``."""
    shown = f"{count:,.0f}" if count == round(count) or count >= 100 else f"{count:.3g}"
    return f"{shown} {noun if shown == '1' else plural or f'{noun}s'}"


def compact(value: float) -> str:
    """Three significant digits and a letter for the magnitude: ``552K``, ``1.2G``."""
    shown = float(f"{value:.3g}")  # rounded first, so that 999,999 is 1M
    for factor, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "K")):
        if shown >= factor:
            return f"{shown / factor:.3g}{letter}"
    return f"{shown:g}"


def size(num_bytes: float) -> str:
    """Bytes in decimal units: ``340 MB``, ``1.6 GB``."""
    digits = compact(num_bytes)
    value, letter = (digits[:-1], digits[-1]) if digits[-1].isalpha() else (digits, "")
    return f"{value} {letter.replace('K', 'k')}B"


def duration(seconds: float) -> str:
    """``42 s``, ``3 min 20 s``, ``2 h 5 min``."""
    seconds = max(0, round(seconds))
    if seconds < 60:
        return f"{seconds} s"
    minutes, rest = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes < 10 and rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def clock(timestamp: float) -> str:
    """A time of day, with the date unless it is today: ``14:05``, ``03 Nov 14:05``."""
    moment = datetime.fromtimestamp(timestamp)
    is_today = moment.date() == datetime.now().date()
    return moment.strftime("%H:%M" if is_today else "%d %b %H:%M")


def printable(words: str) -> str:
    """``words`` for one line of a terminal: what would move its cursor, change its colors or turn the order of
    letters around is spelled out, such as ``\\x1b``."""
    return "".join(c if c.isprintable() or _is_space(c) else c.encode("unicode_escape").decode() for c in words)


def _is_space(character: str) -> bool:
    return unicodedata.category(character) == "Zs"
