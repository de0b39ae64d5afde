"""Public holidays, from the `holidays` package, which knows those of some 250 countries and their parts."""

from functools import cache

import holidays


def find_holidays(country: str, subdivision: str | None) -> holidays.HolidayBase:
    """The holidays of a country, or of one of its parts. Raises ValueError for what is not known."""
    refuse_unknown_place(country, subdivision)
    return _build(country, subdivision)


def refuse_unknown_place(country: str, subdivision: str | None) -> None:
    """Raises ValueError with an example where there are no holidays for a country or its part."""
    known = _list_places()
    if country not in known:
        raise ValueError(
            f'`country` "{country}" is no country whose holidays are known; write its two letters, such as US, DE or IN'
        )
    if subdivision is not None and subdivision not in known[country]:
        parts = known[country]
        those = f"known are {', '.join(parts)}" if parts else "none of its parts has holidays of its own"
        raise ValueError(f'`subdivision` "{subdivision}" is not known in {country}: {those}')


@cache
def _list_places() -> dict[str, list[str]]:
    return holidays.list_supported_countries(include_aliases=True)


@cache
def _build(country: str, subdivision: str | None) -> holidays.HolidayBase:
    return holidays.country_holidays(country, subdiv=subdivision)
