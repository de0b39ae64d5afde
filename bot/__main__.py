"""`python -m bot` is `holdfast`."""

from bot.app import main

if __name__ == "__main__":
    main()
