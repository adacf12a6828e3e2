"""Live changes to the browser: one server-sent event stream a browser, fed from the bus."""
