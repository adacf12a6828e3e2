"""What monitoring asks: is the site alive, can it reach what it needs, how much does it do."""
