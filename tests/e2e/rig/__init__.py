"""What the end-to-end tests and benchmarks drive the product with: SIP phones, callers, tones, proxies, browsers."""
