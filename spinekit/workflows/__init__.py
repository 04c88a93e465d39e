"""One file per verb: what the user asks for, composed of the parts below."""
