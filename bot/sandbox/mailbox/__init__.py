"""Where the sandbox's e-mails, pages and webhooks arrive, and can be read: real servers, on loopback only."""
