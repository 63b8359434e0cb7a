"""The program `reamo-mcp`: without a command it serves over standard input and output, as hosts start it."""

import sys

_OF_THE_SERVER = ("--root", "--engine", "--profile")


def main() -> None:
    """Serve over standard input and output, or run the command that is named."""
    arguments = sys.argv[1:]
    if not arguments and sys.stdin is not None and sys.stdin.isatty():
        arguments = ["--help"]  # a person, who would wait in vain for an answer
    if not arguments or arguments[0].partition("=")[0] in _OF_THE_SERVER:
        # Hosts wait for this path: it imports nothing of the command line.
        from reamo_mcp.server.stdio import main as serve_stdio

        serve_stdio(arguments)
    else:
        from reamo_mcp.cli.app import run

        run(arguments)


if __name__ == "__main__":
    main()
