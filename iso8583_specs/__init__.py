"""ISO 8583 on the wire: framing, dialects as data, codec, value types, masking. Pure: no input or output."""
