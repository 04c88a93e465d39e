"""What every output says of itself."""

RESEARCH_USE = "Research use only; not a medical device, not for diagnosis."
