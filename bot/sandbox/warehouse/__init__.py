"""A small bag-tracking application in the place of TraitorTrack; it knows nothing of the bot."""
