"""Handouts: the lessons on paper, for students and for teachers, from the notebooks' sources."""
