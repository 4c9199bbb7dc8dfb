"""What keeps a handout from being made, in words."""


class HandoutError(ValueError):
    """A handout that cannot be made: it names notebook and cell, or the sheet, and the reason."""
