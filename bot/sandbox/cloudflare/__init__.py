"""A stand-in for Cloudflare on loopback: its API, which refuses what Cloudflare refuses, and its name server."""
