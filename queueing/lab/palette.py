"""The colours of all pictures: Okabe and Ito's eight, told apart by every kind of eye.

M. Okabe and K. Ito, "Color Universal Design" (2008). A colour here is never alone: a word, a
symbol or a dash says the same. Text takes the colour of the page that it stands on.
"""

INK = "black"  # a Paper takes the page's colour of text for it
BLUE = "#0072B2"
GREEN = "#009E73"
PURPLE = "#CC79A7"
VERMILLION = "#D55E00"
GREY = "#808080"  # in between: seen on white and on black

KEPT, BROKEN = GREEN, VERMILLION
SYMBOLS = {True: "✓", False: "✗"}

STATION_COLOURS = {
    "workers": PURPLE,
    "slots": GREEN,
    "database": BLUE,
    "cpu": GREY,
    "sink": GREY,
}
STATION_DASHES = {"database": "--", "cpu": "-.", "sink": ":"}


def verdict_colour(*, kept: bool) -> str:
    """Return the colour of a promise kept, or broken."""
    return KEPT if kept else BROKEN
