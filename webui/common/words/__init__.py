"""Codes of the store and the engine in words, by what they are about. Put together in ``webui.common.labels``."""
