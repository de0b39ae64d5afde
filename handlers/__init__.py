"""What Slack says to us. A handler parses, authorises, calls one service and answers; it holds no rule."""
