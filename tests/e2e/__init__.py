"""End-to-end tests: the whole product on a real Asterisk, real SIP, real browsers."""
