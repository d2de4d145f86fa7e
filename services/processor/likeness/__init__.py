"""How alike two texts are, and what that makes of them: sketches, comparison, judgement. Pure."""
