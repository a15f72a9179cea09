"""The wire doctor: which framing and dialect captured bytes are written in, and where they break. Pure."""
