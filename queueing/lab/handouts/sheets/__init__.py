"""What the lessons' papers say, a module each."""
