"""What a command raises when the person who typed it can put it right."""


class BadInput(Exception):
    """The message names the input, what is wrong with it and what would be right."""
