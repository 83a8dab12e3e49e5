"""`python -m mailctl` is `mailctl`."""

from mailctl.cli import main

if __name__ == "__main__":
    main()
