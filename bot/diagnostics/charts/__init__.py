"""Charts: from series and marks to a picture and its description in words. Pure functions; only `drawing` draws."""
