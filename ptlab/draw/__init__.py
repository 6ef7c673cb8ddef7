"""Pictures of the state: DOT trees, text trees, and the looks they show."""
