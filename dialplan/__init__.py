"""What the switches load: templates, rendering, checking, applying and rolling back. Knows nothing of running calls."""
