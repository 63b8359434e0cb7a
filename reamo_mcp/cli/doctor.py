"""`reamo-mcp doctor`: what works here, what does not, and the command that mends it."""


def doctor() -> None:
    """Tell what is installed, what each kind of file will give, and what is missing."""
    raise NotImplementedError
