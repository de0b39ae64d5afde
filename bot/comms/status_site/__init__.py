"""The built-in public status page: static files made from the public bulletins and the outages of components alone."""
