"""Numbers and times as a person reads them."""

from datetime import datetime


def percent(share: float | None, digits: int = 1) -> str:
    """``0.582`` as ``58.2%``; nothing known yet is a dash."""
    return "–" if share is None else f"{100 * share:.{digits}f}%"


def number(value: float | None, form: str = ",.0f") -> str:
    """A number in the given format; nothing known yet is a dash."""
    return "–" if value is None else format(value, form)


def counted(count: float, noun: str) -> str:
    """``1 image``, ``1,240 images``."""
    return f"{count:,.0f} {noun}{'' if count == 1 else 's'}"


def compact(value: float) -> str:
    """Three significant digits and a letter for the magnitude: ``552K``, ``1.2G``."""
    for factor, letter in ((1e9, "G"), (1e6, "M"), (1e3, "K")):
        if value >= factor:
            return f"{value / factor:.3g}{letter}"
    return f"{value:.3g}"


def duration(seconds: float) -> str:
    """``42 s``, ``3 min 20 s``, ``2 h 5 min``."""
    seconds = max(0, round(seconds))
    if seconds < 60:
        return f"{seconds} s"
    minutes, rest = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes < 10 and rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def clock(timestamp: float) -> str:
    """A time of day, with the date unless it is today."""
    moment = datetime.fromtimestamp(timestamp)
    is_today = moment.date() == datetime.now().date()
    return moment.strftime("%H:%M" if is_today else "%d %b %H:%M")
