"""`hoiam`. Its commands bring all four services with them, but for `up`, which runs for months (decision 93)."""

import sys


def main() -> None:
    """The console script."""
    if sys.argv[1:2] == ["up"]:
        from services.cli.starting import main as run
    else:
        from services.cli.commands import main as run
    run()


if __name__ == "__main__":
    main()
